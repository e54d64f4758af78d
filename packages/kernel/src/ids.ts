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

/** A UUID of version 7 (RFC 9562, 5.7): sorts by the millisecond it was made in; 74 random bits. */
export function createUuid(nowMs: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(nowMs, 0, 6);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
