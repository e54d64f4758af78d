import { hash, timingSafeEqual } from "node:crypto";

/** SHA-256 of a token as 64 hexadecimal digits: all that is stored of keys, refresh tokens and codes. */
export function hashToken(token: string): string {
  return hash("sha256", token, "hex");
}

/** Compares two texts in a time that does not tell where they differ. Their lengths are not secret. */
export function equalsConstantTime(left: string, right: string): boolean {
  const a = Buffer.from(left);
  const b = Buffer.from(right);
  return a.length === b.length && timingSafeEqual(a, b);
}
