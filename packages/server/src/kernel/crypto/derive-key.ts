import { hkdfSync } from "node:crypto";

/**
 * A key for one purpose, from a master key: HKDF-SHA256 (RFC 5869) without salt, the purpose as its info.
 *
 * @param purpose a logical name such as `file:control.sqlite`; two purposes never share a key.
 * @returns 32 bytes.
 */
export function deriveKey(masterKey: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", masterKey, new Uint8Array(0), `aerostack:${purpose}`, 32));
}
