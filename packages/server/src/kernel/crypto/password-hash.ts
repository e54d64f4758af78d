import { pbkdf2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { AerostackError } from "@aerostack/contracts";

/**
 * Password hashes by PBKDF2-HMAC-SHA256 (RFC 8018), computed in libuv's thread pool, off the event loop.
 * Stored form: `pbkdf2-sha256$<iterations>$<salt>$<hash>`, base64url.
 */
export interface PasswordHasher {
  hash(password: string): Promise<string>;
  /** `rehash`: the password is right and its stored parameters are older than today's. */
  verify(password: string, stored: string): Promise<{ readonly valid: boolean; readonly rehash: boolean }>;
  /** Takes as long as a wrong password does: for accounts that do not exist. */
  pretend(password: string): Promise<void>;
}

/** What OWASP's password storage sheet asks of PBKDF2-HMAC-SHA256, and what the privacy policy promises. */
export const PASSWORD_ITERATIONS = 600_000;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** The pool has four threads by default; two stay free for files and DNS. */
const MAX_AT_ONCE = 2;
/** About 10 s of waiting; whoever comes later is told so at once. */
const MAX_WAITING = 64;
const RETRY_AFTER_SECONDS = 5;

const pbkdf2Async = promisify(pbkdf2);

/** @param iterations for tests; the stored form carries its own. */
export function createPasswordHasher(iterations = PASSWORD_ITERATIONS): PasswordHasher {
  let running = 0;
  const waiting: (() => void)[] = [];

  async function derive(password: string, salt: Uint8Array, rounds: number): Promise<Buffer> {
    if (running >= MAX_AT_ONCE) {
      if (waiting.length >= MAX_WAITING) {
        throw new AerostackError("SERVICE_UNAVAILABLE", {
          message: "Too many log-ins are being checked.",
          retryAfterSeconds: RETRY_AFTER_SECONDS,
        });
      }
      // Whoever ends hands its place over, so `running` stays as it is.
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      running++;
    }
    try {
      return await pbkdf2Async(password.normalize("NFKC"), salt, rounds, HASH_BYTES, "sha256");
    } finally {
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  }

  return {
    async hash(password) {
      const salt = randomBytes(SALT_BYTES);
      const hash = await derive(password, salt, iterations);
      return ["pbkdf2-sha256", iterations, salt.toString("base64url"), hash.toString("base64url")].join("$");
    },
    async verify(password, stored) {
      const [algorithm, rounds, salt = "", hash = ""] = stored.split("$");
      if (algorithm !== "pbkdf2-sha256") throw new Error(`unknown password hash '${algorithm}'`);
      const expected = Buffer.from(hash, "base64url");
      const found = await derive(password, Buffer.from(salt, "base64url"), Number(rounds));
      const valid = expected.length === found.length && timingSafeEqual(expected, found);
      return { valid, rehash: valid && Number(rounds) < iterations };
    },
    async pretend(password) {
      await derive(password, randomBytes(SALT_BYTES), iterations);
    },
  };
}
