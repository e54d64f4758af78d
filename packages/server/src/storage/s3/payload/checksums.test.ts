import { expect, test } from "vitest";
import { type ChecksumAlgorithm, createChecksum } from "./checksums.ts";

function of(algorithm: ChecksumAlgorithm, ...pieces: Uint8Array[]): string {
  const checksum = createChecksum(algorithm);
  for (const piece of pieces) checksum.update(piece);
  return checksum.digest().toString("hex");
}

// The check values of the catalogue of parametrised CRC algorithms (reveng.sourceforge.io), over "123456789".
test.each([
  ["crc32", "cbf43926"],
  ["crc32c", "e3069283"],
  ["crc64nvme", "ae8b14860a799888"],
] as const)("%s has its published check value", (algorithm, check) => {
  expect(of(algorithm, Buffer.from("123456789"))).toBe(check);
});

test.each(["crc32", "crc32c", "crc64nvme", "sha1", "sha256"] as const)(
  "%s is the same however the bytes are cut",
  (algorithm) => {
    const bytes = Buffer.from(Array.from({ length: 1000 }, (_, index) => (index * 7919) & 0xff));
    const whole = of(algorithm, bytes);
    for (const cut of [0, 1, 7, 8, 9, 500, 999]) {
      expect(of(algorithm, bytes.subarray(0, cut), bytes.subarray(cut))).toBe(whole);
    }
  },
);
