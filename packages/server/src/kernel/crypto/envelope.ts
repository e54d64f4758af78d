import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { MasterKey } from "../secrets.ts";

/**
 * Envelope encryption of small values: AES-256-GCM under a fresh data key, which itself is wrapped by the newest master
 * key. Turning the master key over re-wraps data keys and leaves values alone. The context (such as
 * `project:prj_…:secret:API_TOKEN`) is authenticated: a value copied to another row does not open there.
 *
 * Sealed form: `v1.<master key id>.<wrapped data key>.<encrypted value>`, base64url, each part nonce ‖ ciphertext ‖ tag.
 */
export interface Envelope {
  seal(plaintext: string | Uint8Array, context: string): string;
  /** @throws Error when the value was changed, belongs to another context, or its master key is gone. */
  open(sealed: string, context: string): string;
  openBytes(sealed: string, context: string): Uint8Array;
  /** The same value with its data key wrapped by the newest master key; the same text when it already is. */
  rotate(sealed: string, context: string): string;
  /** What values under the newest master key begin with. */
  readonly newestPrefix: string;
}

const VERSION = "v1";
const ALGORITHM = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const DATA_KEY_BYTES = 32;

/** @param masterKeys newest first. */
export function createEnvelope(masterKeys: readonly [MasterKey, ...MasterKey[]]): Envelope {
  const [newest] = masterKeys;
  const byId = new Map(masterKeys.map((key) => [key.id, key.key]));

  function read(sealed: string, context: string) {
    const [version, keyId = "", wrapped = "", value = "", ...rest] = sealed.split(".");
    const masterKey = byId.get(keyId);
    if (version !== VERSION || rest.length > 0) throw new Error("not a sealed value");
    if (masterKey === undefined) throw new Error(`the master key '${keyId}' is not in secrets.json`);
    const dataKey = decrypt(masterKey, Buffer.from(wrapped, "base64url"), wrapContext(keyId, context));
    return { keyId, dataKey, value };
  }

  function openBytes(sealed: string, context: string): Uint8Array {
    const { dataKey, value } = read(sealed, context);
    return decrypt(dataKey, Buffer.from(value, "base64url"), context);
  }

  function wrap(dataKey: Uint8Array, context: string): string {
    return encrypt(newest.key, dataKey, wrapContext(newest.id, context)).toString("base64url");
  }

  return {
    seal(plaintext, context) {
      const dataKey = randomBytes(DATA_KEY_BYTES);
      const value = encrypt(dataKey, Buffer.from(plaintext), context).toString("base64url");
      return [VERSION, newest.id, wrap(dataKey, context), value].join(".");
    },
    open: (sealed, context) => Buffer.from(openBytes(sealed, context)).toString("utf8"),
    openBytes,
    rotate(sealed, context) {
      const { keyId, dataKey, value } = read(sealed, context);
      if (keyId === newest.id) return sealed;
      return [VERSION, newest.id, wrap(dataKey, context), value].join(".");
    },
    newestPrefix: `${VERSION}.${newest.id}.`,
  };
}

function wrapContext(keyId: string, context: string): string {
  return `data-key:${keyId}:${context}`;
}

function encrypt(key: Uint8Array, plaintext: Uint8Array, context: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce);
  cipher.setAAD(Buffer.from(context));
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Uint8Array, sealed: Buffer, context: string): Uint8Array {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) throw new Error("not a sealed value");
  const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES)), decipher.final()]);
}
