import { crc32 } from "node:zlib";

const BASE_62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
export const CHECKSUM_CHARACTERS = 6;

/**
 * CRC-32 of a text as six characters of base 62 (2^32 < 62^6). At the end of a key it lets a scanner tell keys from text
 * that looks like one, without asking anybody; it protects nothing.
 */
export function keyChecksum(text: string): string {
  let rest = crc32(text);
  let checksum = "";
  for (let index = 0; index < CHECKSUM_CHARACTERS; index++) {
    checksum = BASE_62.charAt(rest % BASE_62.length) + checksum;
    rest = Math.floor(rest / BASE_62.length);
  }
  return checksum;
}
