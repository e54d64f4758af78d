import { pbkdf2, randomBytes, timingSafeEqual } from "node:crypto";
import { availableParallelism } from "node:os";
import { promisify } from "node:util";
import { AerostackError } from "@aerostack/contracts";
import type { HashJob, HashResult } from "./hash-job.ts";
import { createHashThreads } from "./hash-threads.ts";

/**
 * Password hashes by PBKDF2-HMAC-SHA256 (RFC 8018), computed by threads of low priority, off the event loop: log-ins
 * wait for other requests, not the other way round.
 * Stored form: `pbkdf2-sha256$<iterations>$<salt>$<hash>`, base64url.
 */
export interface PasswordHasher {
  hash(password: string): Promise<string>;
  /** `rehash`: the password is right and its stored parameters are older than today's. */
  verify(password: string, stored: string): Promise<{ readonly valid: boolean; readonly rehash: boolean }>;
  /** Takes as long as a wrong password does: for accounts that do not exist. */
  pretend(password: string): Promise<void>;
  /** The hash of no password: for who logs in another way. It takes as long as any other to be told so. */
  none(): string;
  /** Any derivation, in turn with all others. @throws SERVICE_UNAVAILABLE when too many wait */
  derive(job: HashJob): Promise<HashResult>;
}

/** What OWASP's password storage sheet asks of PBKDF2-HMAC-SHA256, and what the privacy policy promises. */
export const PASSWORD_ITERATIONS = 600_000;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const MAX_THREADS = 8;
/** For each thread; with about 0.1 s each, some seconds of waiting. Whoever comes later is told so at once. */
const MAX_WAITING_PER_THREAD = 32;
const RETRY_AFTER_SECONDS = 5;
/** Fewer rounds take less than a message to a thread and back is worth. */
const SHORT_ROUNDS = 20_000;

const pbkdf2Async = promisify(pbkdf2);

export interface PasswordHasherOptions {
  /** How many derivations run at once; by default half of the processors. */
  readonly threads?: number;
}

/** @param iterations for tests; the stored form carries its own. */
export function createPasswordHasher(
  iterations = PASSWORD_ITERATIONS,
  { threads = defaultThreads() }: PasswordHasherOptions = {},
): PasswordHasher {
  const pool = createHashThreads(threads);
  let running = 0;
  const waiting: (() => void)[] = [];

  async function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    if (running >= threads) {
      if (waiting.length >= threads * MAX_WAITING_PER_THREAD) {
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
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  }

  const derive = (job: HashJob): Promise<HashResult> =>
    inTurn(() =>
      job.kind === "pbkdf2" && job.rounds < SHORT_ROUNDS
        ? pbkdf2Async(job.password, job.salt, job.rounds, job.bytes, job.digest)
        : pool.run(job),
    );

  const derivePassword = (password: string, salt: Uint8Array, rounds: number): Promise<HashResult> =>
    derive({ kind: "pbkdf2", digest: "sha256", password: password.normalize("NFKC"), salt, rounds, bytes: HASH_BYTES });

  return {
    derive,
    async hash(password) {
      const salt = randomBytes(SALT_BYTES);
      const hash = Buffer.from(await derivePassword(password, salt, iterations));
      return ["pbkdf2-sha256", iterations, salt.toString("base64url"), hash.toString("base64url")].join("$");
    },
    async verify(password, stored) {
      const [algorithm, rounds, salt = "", hash = ""] = stored.split("$");
      if (algorithm !== "pbkdf2-sha256") throw new Error(`unknown password hash '${algorithm}'`);
      const expected = Buffer.from(hash, "base64url");
      const found = await derivePassword(password, Buffer.from(salt, "base64url"), Number(rounds));
      const valid = expected.length === found.length && timingSafeEqual(expected, found);
      return { valid, rehash: valid && Number(rounds) < iterations };
    },
    none: () => ["pbkdf2-sha256", iterations, randomBytes(SALT_BYTES).toString("base64url"), ""].join("$"),
    async pretend(password) {
      await derivePassword(password, randomBytes(SALT_BYTES), iterations);
    },
  };
}

/** False for a hash that `none` made. */
export function isPasswordSet(stored: string): boolean {
  return !stored.endsWith("$");
}

function defaultThreads(): number {
  return Math.min(MAX_THREADS, Math.max(1, Math.floor(availableParallelism() / 2)));
}
