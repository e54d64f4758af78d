import { hkdfSync } from "node:crypto";

export const KEY_BYTES = 32;

/**
 * A 32-byte key for one purpose, derived from the master key (HKDF-SHA256, RFC 5869). Keys of different purposes tell
 * nothing about each other, so a leaked file key opens that file only.
 *
 * @param purpose names what the key protects, such as `state/prj_01…`; never secret, never reused for something else.
 */
export function deriveKey(master: Uint8Array, purpose: string): Buffer {
  if (master.length < KEY_BYTES) throw new Error(`a master key has at least ${KEY_BYTES} bytes, not ${master.length}`);
  return Buffer.from(hkdfSync("sha256", master, Buffer.alloc(0), `aerostack/${purpose}`, KEY_BYTES));
}
