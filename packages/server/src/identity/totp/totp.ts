import { createHmac } from "node:crypto";
import { equalsConstantTime } from "../../kernel/crypto/token-hash.ts";

// Time-based one-time passwords (RFC 6238) as authenticator apps know them: HMAC-SHA-1, 30 seconds, six digits.

const STEP_SECONDS = 30;
const DIGITS = 6;
/** Clocks may differ by a step either way. */
const TOLERATED_STEPS = 1;
export const TOTP_SECRET_BYTES = 20;
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

export function totpAt(secret: Uint8Array, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", secret).update(counter).digest();
  // RFC 4226, 5.3: the last four bits say where to read.
  const offset = mac.readUInt8(mac.length - 1) & 0x0f;
  const number = mac.readUInt32BE(offset) & 0x7f_ff_ff_ff;
  return String(number % 10 ** DIGITS).padStart(DIGITS, "0");
}

export function stepAt(nowMs: number): number {
  return Math.floor(nowMs / 1_000 / STEP_SECONDS);
}

/** The time step that a code belongs to; null when it is wrong, or of a step that is not after `lastStep`. */
export function matchTotp(secret: Uint8Array, code: string, nowMs: number, lastStep: number): number | null {
  const current = stepAt(nowMs);
  for (let step = current - TOLERATED_STEPS; step <= current + TOLERATED_STEPS; step++) {
    if (step > lastStep && equalsConstantTime(totpAt(secret, step), code)) return step;
  }
  return null;
}

/** RFC 4648, 6, without padding. */
export function toBase32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32.charAt((value >>> bits) & 31);
    }
    value &= 0xff;
  }
  return bits === 0 ? text : text + BASE32.charAt((value << (5 - bits)) & 31);
}

/** What an authenticator app reads from a QR code. */
export function otpauthUrl(secret: Uint8Array, issuer: string, account: string): string {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(account)}`;
  const parameters = new URLSearchParams({
    secret: toBase32(secret),
    issuer,
    algorithm: "SHA1",
    digits: String(DIGITS),
    period: String(STEP_SECONDS),
  });
  return `otpauth://totp/${label}?${parameters.toString().replaceAll("+", "%20")}`;
}
