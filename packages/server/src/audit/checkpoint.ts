import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import type { SigningKey } from "../kernel/secrets.ts";

/** An end of the chain: how many entries there were, and the hash of the last. */
export interface ChainEnd {
  readonly seq: number;
  readonly hash: string;
  readonly signedAtMs: number;
}

/** The end of the chain as it is now, or one that stays. One is never taken for the other. */
export type CheckpointKind = "head" | "checkpoint";

/**
 * Signs ends of the chain with the installation's key (ES256), which is not in the database: who can write there cannot
 * compute another chain and sign it.
 */
export interface CheckpointSigner {
  /** `<key id>.<signature>`, base64url. */
  sign(kind: CheckpointKind, end: ChainEnd): string;
  /** False also for a key that this installation does not have. */
  verify(kind: CheckpointKind, end: ChainEnd, signature: string): boolean;
}

const DIGEST = "sha256";

/** @param signingKeys newest first: it signs, all verify */
export function createCheckpointSigner(signingKeys: readonly [SigningKey, ...SigningKey[]]): CheckpointSigner {
  const [newest] = signingKeys;
  let privateKey: KeyObject | undefined;
  const publicKeys = new Map<string, KeyObject>();

  function publicKey(kid: string): KeyObject | undefined {
    const known = publicKeys.get(kid);
    if (known !== undefined) return known;
    const found = signingKeys.find((key) => key.kid === kid);
    if (found === undefined) return undefined;
    const key = createPublicKey({ key: { ...found.publicJwk }, format: "jwk" });
    publicKeys.set(kid, key);
    return key;
  }

  return {
    sign(kind, end) {
      privateKey ??= createPrivateKey({ key: { ...newest.privateJwk }, format: "jwk" });
      const signature = sign(DIGEST, textOf(kind, end), { key: privateKey, dsaEncoding: "ieee-p1363" });
      return `${newest.kid}.${signature.toString("base64url")}`;
    },
    verify(kind, end, text) {
      const [kid = "", signature = ""] = text.split(".");
      const key = publicKey(kid);
      if (key === undefined) return false;
      return verify(DIGEST, textOf(kind, end), { key, dsaEncoding: "ieee-p1363" }, Buffer.from(signature, "base64url"));
    },
  };
}

function textOf(kind: CheckpointKind, { seq, hash, signedAtMs }: ChainEnd): Buffer {
  return Buffer.from(`aerostack audit ${kind}\n${seq}\n${hash}\n${signedAtMs}`);
}
