import { timingSafeEqual } from "node:crypto";
import type { HashJob, HashResult } from "../../kernel/crypto/hash-job.ts";

/** A password hash that another system made, read. */
export interface ForeignHash {
  jobFor(password: string): HashJob;
  matches(result: HashResult): boolean;
}

const MAX_CHARACTERS = 500;
const KIB_PER_MIB = 1024;
/** A hash that is imported is computed at each attempt to log in: what would stop the server for long is not taken. */
const MAX_COST = {
  bcrypt: 14,
  pbkdf2Rounds: 5_000_000,
  scryptBytes: 256 * KIB_PER_MIB * KIB_PER_MIB,
  scryptParallelisation: 16,
  argon2Kib: 256 * KIB_PER_MIB,
  argon2Passes: 10,
  argon2Lanes: 8,
} as const;
const HASH_BYTES = { least: 16, most: 64 } as const;

/**
 * Reads a hash in one of the usual forms: bcrypt (`$2a$`, `$2b$`, `$2y$`), and in PHC form `$argon2id$`, `$argon2i$`,
 * `$argon2d$`, `$scrypt$`, `$pbkdf2-sha1$`, `$pbkdf2-sha256$`, `$pbkdf2-sha512$` (also as passlib writes them), and
 * Django's `pbkdf2_sha256$`.
 *
 * @returns null for what is none of them, or would take too long to check
 */
export function readForeignHash(stored: string): ForeignHash | null {
  if (stored.length > MAX_CHARACTERS) return null;
  return readBcrypt(stored) ?? readArgon2(stored) ?? readScrypt(stored) ?? readPbkdf2(stored) ?? readDjango(stored);
}

function readBcrypt(stored: string): ForeignHash | null {
  const [, cost] = /^\$2[aby]\$(\d{2})\$[./A-Za-z0-9]{53}$/.exec(stored) ?? [];
  if (cost === undefined || Number(cost) < 4 || Number(cost) > MAX_COST.bcrypt) return null;
  return {
    jobFor: (password) => ({ kind: "bcrypt", password, stored }),
    matches: (result) => isEqual(Buffer.from(result), Buffer.from(stored)),
  };
}

function readArgon2(stored: string): ForeignHash | null {
  const form = /^\$(argon2(?:id|i|d))\$v=19\$m=(\d{1,8}),t=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;
  const [, variant, memory, passes, lanes, salt = "", hash = ""] = form.exec(stored) ?? [];
  if (variant === undefined) return null;
  const cost = { memoryKib: Number(memory), passes: Number(passes), parallelism: Number(lanes) };
  const isBounded =
    cost.memoryKib <= MAX_COST.argon2Kib &&
    cost.memoryKib >= 8 * cost.parallelism &&
    cost.passes >= 1 &&
    cost.passes <= MAX_COST.argon2Passes &&
    cost.parallelism >= 1 &&
    cost.parallelism <= MAX_COST.argon2Lanes;
  const expected = Buffer.from(hash, "base64");
  const saltBytes = Buffer.from(salt, "base64");
  if (!isBounded || !isUsable(expected) || saltBytes.length < 8) return null;
  return {
    jobFor: (password) => ({
      kind: "argon2",
      variant: variant as "argon2id" | "argon2i" | "argon2d",
      password,
      salt: saltBytes,
      ...cost,
      bytes: expected.length,
    }),
    matches: (result) => isEqual(Buffer.from(result), expected),
  };
}

function readScrypt(stored: string): ForeignHash | null {
  const form = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;
  const [, logN, blockSize, parallelisation, salt = "", hash = ""] = form.exec(stored) ?? [];
  if (logN === undefined) return null;
  const [n, r, p] = [2 ** Number(logN), Number(blockSize), Number(parallelisation)];
  const isBounded =
    n >= 2 && r >= 1 && p >= 1 && p <= MAX_COST.scryptParallelisation && 128 * n * r <= MAX_COST.scryptBytes;
  const expected = Buffer.from(hash, "base64");
  if (!isBounded || !isUsable(expected)) return null;
  return {
    jobFor: (password) => ({
      kind: "scrypt",
      password,
      salt: Buffer.from(salt, "base64"),
      n,
      r,
      p,
      bytes: expected.length,
    }),
    matches: (result) => isEqual(Buffer.from(result), expected),
  };
}

function readPbkdf2(stored: string): ForeignHash | null {
  const form = /^\$pbkdf2-(sha1|sha256|sha512)\$(?:i=)?(\d{1,8})(?:,l=\d{1,3})?\$([A-Za-z0-9+/.]+)\$([A-Za-z0-9+/.]+)$/;
  const [, digest, rounds, salt = "", hash = ""] = form.exec(stored) ?? [];
  if (digest === undefined) return null;
  // passlib writes '.' where base64 has '+'.
  const bytesOf = (text: string): Buffer => Buffer.from(text.replaceAll(".", "+"), "base64");
  return pbkdf2Hash(digest as Digest, bytesOf(salt), Number(rounds), bytesOf(hash));
}

function readDjango(stored: string): ForeignHash | null {
  const form = /^pbkdf2_(sha1|sha256)\$(\d{1,8})\$([^$]{1,100})\$([A-Za-z0-9+/]+={0,2})$/;
  const [, digest, rounds, salt = "", hash = ""] = form.exec(stored) ?? [];
  if (digest === undefined) return null;
  return pbkdf2Hash(digest as Digest, Buffer.from(salt), Number(rounds), Buffer.from(hash, "base64"));
}

type Digest = "sha1" | "sha256" | "sha512";

function pbkdf2Hash(digest: Digest, salt: Buffer, rounds: number, expected: Buffer): ForeignHash | null {
  if (rounds < 1 || rounds > MAX_COST.pbkdf2Rounds || !isUsable(expected)) return null;
  return {
    jobFor: (password) => ({ kind: "pbkdf2", digest, password, salt, rounds, bytes: expected.length }),
    matches: (result) => isEqual(Buffer.from(result), expected),
  };
}

function isUsable({ length }: Buffer): boolean {
  return length >= HASH_BYTES.least && length <= HASH_BYTES.most;
}

function isEqual(left: Buffer, right: Buffer): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}
