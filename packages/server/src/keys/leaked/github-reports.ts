import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import { z } from "zod";
import type { OutgoingFetch } from "../../kernel/outgoing.ts";
import { parseInput } from "../../kernel/parse-input.ts";
import { parseJson } from "../../kernel/parse-json.ts";

/** Reports of GitHub's secret scanning: whoever can sign one with GitHub's key is believed to be GitHub. */
export interface GithubReports {
  /**
   * @param onUnknownSigner asked before anything is fetched for a report that no known key signed; may refuse by throwing
   * @throws NOT_FOUND where the operator has not turned it on · FORBIDDEN for a signature that is missing or wrong
   */
  requireSignature(headers: Headers, body: Buffer, onUnknownSigner: () => Promise<void>): Promise<void>;
}

/** https://docs.github.com/en/code-security/secret-scanning/secret-scanning-partner-program */
const publicKeysSchema = z.object({
  public_keys: z.array(z.object({ key_identifier: z.string().max(200), key: z.string().max(2_000) })).max(100),
});
const MAX_FOUND = 1_000;
const MAX_TOKEN_CHARACTERS = 1_000;
const MAX_URL_CHARACTERS = 4_000;
const reportSchema = z
  .array(z.object({ token: z.string().max(MAX_TOKEN_CHARACTERS), url: z.string().max(MAX_URL_CHARACTERS).optional() }))
  .max(MAX_FOUND);
export type FoundByGithub = z.infer<typeof reportSchema>[number];

/** Keys are asked for again when a report names one that is not known, and no more often than this. */
const ASK_AGAIN_AFTER_MS = 60_000;
/** A key that its publisher takes back is believed no longer than this. */
const KEPT_MS = 60 * 60_000;

export interface GithubReportsOptions {
  readonly clock: Clock;
  /** Where the public keys are; undefined turns it off. */
  readonly publicKeysUrl: string | undefined;
  readonly fetch: OutgoingFetch;
}

export function createGithubReports({ clock, publicKeysUrl, fetch }: GithubReportsOptions): GithubReports {
  let keys: ReadonlyMap<string, KeyObject> = new Map();
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;

  async function askForKeys(url: string): Promise<void> {
    askedAtMs = clock.now();
    try {
      const answer = await fetch(url, { headers: { accept: "application/json" } });
      if (!answer.ok) throw new Error(`the public keys were answered with status ${answer.status}`);
      const { public_keys } = publicKeysSchema.parse(await answer.json());
      keys = new Map(public_keys.map(({ key_identifier, key }) => [key_identifier, createPublicKey(key)]));
    } catch (cause) {
      throw new AerostackError("SERVICE_UNAVAILABLE", {
        message: "The scanner's public keys could not be read.",
        retryAfterSeconds: ASK_AGAIN_AFTER_MS / 1_000,
        cause,
      });
    }
  }

  /** Where nobody asked for too short a time, what is known stands. */
  async function askForKeysOnce(url: string): Promise<void> {
    if (asking === undefined && clock.now() - askedAtMs >= ASK_AGAIN_AFTER_MS) {
      asking = askForKeys(url).finally(() => {
        asking = undefined;
      });
    }
    await asking;
  }

  function isSigned(headers: Headers, body: Buffer): boolean {
    const id = headers.get("github-public-key-identifier");
    const signature = headers.get("github-public-key-signature");
    const isCurrent = clock.now() - askedAtMs < KEPT_MS;
    const key = id === null || !isCurrent ? undefined : keys.get(id);
    return key !== undefined && signature !== null && isSignedBy(key, body, signature);
  }

  return {
    async requireSignature(headers, body, onUnknownSigner) {
      if (publicKeysUrl === undefined) throw new AerostackError("NOT_FOUND");
      if (isSigned(headers, body)) return;
      await onUnknownSigner();
      await askForKeysOnce(publicKeysUrl);
      if (isSigned(headers, body)) return;
      throw new AerostackError("FORBIDDEN", {
        message: "The report is not signed by the scanner that this installation trusts.",
        fix: "Report keys without a signature at /api/v1/leaked-keys.",
      });
    },
  };
}

/** ECDSA over SHA-256, in DER, base64. */
function isSignedBy(key: KeyObject, body: Buffer, signature: string): boolean {
  return key.asymmetricKeyType === "ec" && verify("sha256", body, key, Buffer.from(signature, "base64"));
}

/** @throws REQUEST_MALFORMED · VALIDATION_ERROR */
export function readGithubReport(body: Buffer): readonly FoundByGithub[] {
  return parseInput(reportSchema, parseJson(body.toString("utf8")), "body");
}
