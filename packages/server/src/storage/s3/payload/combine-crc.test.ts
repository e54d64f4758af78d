import { expect, test } from "vitest";
import { type ChecksumAlgorithm, createChecksum } from "./checksums.ts";
import { createCrcCombiner, isCombinable } from "./combine-crc.ts";

function of(algorithm: ChecksumAlgorithm, bytes: Uint8Array): string {
  const checksum = createChecksum(algorithm);
  checksum.update(bytes);
  return checksum.digest().toString("hex");
}

test.each(["crc32", "crc32c", "crc64nvme"] as const)(
  "%s of parts, wherever they are cut, gives that of the whole",
  (algorithm) => {
    const bytes = Buffer.from(Array.from({ length: 5000 }, (_, index) => (index * 7919 + 13) & 0xff));
    const whole = of(algorithm, bytes);
    const combine = createCrcCombiner(algorithm);
    for (const cuts of [[], [0], [1], [4999], [5000], [1000, 2000, 3000, 4000], [1, 2, 3, 255, 256, 257, 4096]]) {
      const parts = [0, ...cuts].map((start, index) => bytes.subarray(start, cuts[index] ?? bytes.length));
      expect(combine(parts.map((part) => ({ checksum: of(algorithm, part), size: part.length })))).toBe(whole);
    }
  },
);

test("the check value of the catalogue is met from two halves", () => {
  const combine = createCrcCombiner("crc64nvme");
  const parts = ["12345", "6789"].map((text) => ({ checksum: of("crc64nvme", Buffer.from(text)), size: text.length }));
  expect(combine(parts)).toBe("ae8b14860a799888");
});

test("hashes cannot be combined", () => {
  expect(isCombinable("sha256")).toBe(false);
  expect(() => createCrcCombiner("sha1")).toThrow("cannot be combined");
});
