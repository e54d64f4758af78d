import type { BlobHash, StoredBlob } from "@aerostack/kernel";
import type { ObjectAttributes } from "./object-info.ts";
import { MAX_KEY_BYTES, MAX_METADATA_BYTES } from "./object-limits.ts";
import { R2Refusal } from "./r2-refusal.ts";

/** Any text is a key; it never becomes the name of a file. @throws R2Refusal */
export function checkObjectKey(key: string): void {
  if (key === "" || Buffer.byteLength(key) > MAX_KEY_BYTES) throw new R2Refusal("invalidObjectName");
}

/** @throws R2Refusal */
export function checkAttributes({ customMetadata, httpMetadata }: ObjectAttributes): void {
  let customBytes = 0;
  for (const [name, value] of Object.entries(customMetadata)) {
    customBytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  let httpBytes = 0;
  for (const value of Object.values(httpMetadata)) if (typeof value === "string") httpBytes += Buffer.byteLength(value);
  if (customBytes > MAX_METADATA_BYTES || httpBytes > MAX_METADATA_BYTES) throw new R2Refusal("metadataTooLarge");
}

const HASH_NAMES: Readonly<Record<BlobHash, string>> = {
  md5: "MD5",
  sha1: "SHA-1",
  sha256: "SHA-256",
  sha384: "SHA-384",
  sha512: "SHA-512",
};

/** @param expected hex. @throws R2Refusal badDigest */
export function checkChecksums(expected: Readonly<Partial<Record<BlobHash, string>>>, blob: StoredBlob): void {
  for (const [name, hex] of Object.entries(expected) as [BlobHash, string][]) {
    if (blob.hashes[name] === hex) continue;
    const label = HASH_NAMES[name];
    throw new R2Refusal("badDigest", {
      message: `The ${label} checksum you specified did not match what we received. You provided a ${label} checksum with value: ${hex}. Actual ${label} was: ${blob.hashes[name] ?? ""}`,
    });
  }
}
