import { randomBytes } from "node:crypto";

// Crockford's base 32: sorts like the bytes it encodes and has no letters that people confuse.
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const TIME_CHARACTERS = 10;
const RANDOM_CHARACTERS = 16;

function encodeTime(ms: number): string {
  let rest = ms;
  let text = "";
  for (let i = 0; i < TIME_CHARACTERS; i++) {
    text = ALPHABET.charAt(rest % 32) + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

/**
 * A prefixed id that sorts by time of creation: `<prefix>_` + 10 characters of milliseconds + 16 of randomness (80 bits).
 *
 * @example createId("prj", clock.now()) // "prj_01jd…"
 */
export function createId(prefix: string, nowMs: number): string {
  return `${prefix}_${encodeTime(nowMs)}${randomText(RANDOM_CHARACTERS)}`;
}

/** `length` characters of base 32, five random bits each. */
export function randomText(length: number): string {
  const bytes = randomBytes(length);
  let text = "";
  for (const byte of bytes) text += ALPHABET.charAt(byte & 31);
  return text;
}
