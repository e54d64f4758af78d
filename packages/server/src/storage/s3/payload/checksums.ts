import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { crc32Tables, crc64Tables } from "./crc-tables.ts";

export const CHECKSUM_ALGORITHMS = ["crc32", "crc32c", "crc64nvme", "sha1", "sha256"] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

export interface Checksum {
  update(data: Uint8Array): void;
  digest(): Buffer;
}

export const CHECKSUM_BYTES: Readonly<Record<ChecksumAlgorithm, number>> = {
  crc32: 4,
  crc32c: 4,
  crc64nvme: 8,
  sha1: 20,
  sha256: 32,
};

export function createChecksum(algorithm: ChecksumAlgorithm): Checksum {
  switch (algorithm) {
    case "crc32":
      return createCrc32();
    case "crc32c":
      return createCrc32c();
    case "crc64nvme":
      return createCrc64Nvme();
    default: {
      const hash = createHash(algorithm);
      return { update: (data) => void hash.update(data), digest: () => hash.digest() };
    }
  }
}

function createCrc32(): Checksum {
  let crc = 0;
  return {
    update(data) {
      crc = crc32(data, crc);
    },
    digest() {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(crc >>> 0);
      return bytes;
    },
  };
}

/** Castagnoli's polynomial, reflected (RFC 3720, appendix B.4). */
const CRC32C = crc32Tables(0x82f63b78);

function createCrc32c(): Checksum {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = CRC32C as unknown as Tables;
  let crc = 0xffffffff;
  return {
    update(data) {
      let c = crc;
      let at = 0;
      for (const end = data.length - 7; at < end; at += 8) {
        const low = c ^ word(data, at);
        const high = word(data, at + 4);
        c =
          at32(t7, low & 0xff) ^
          at32(t6, (low >>> 8) & 0xff) ^
          at32(t5, (low >>> 16) & 0xff) ^
          at32(t4, low >>> 24) ^
          at32(t3, high & 0xff) ^
          at32(t2, (high >>> 8) & 0xff) ^
          at32(t1, (high >>> 16) & 0xff) ^
          at32(t0, high >>> 24);
      }
      for (; at < data.length; at++) c = (c >>> 8) ^ at32(t0, (c ^ (data[at] ?? 0)) & 0xff);
      crc = c;
    },
    digest() {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE((crc ^ 0xffffffff) >>> 0);
      return bytes;
    },
  };
}

/** The NVM Express polynomial 0xAD93D23594C93659, reflected. */
const CRC64NVME = crc64Tables(0x9a6c9329, 0xac4bc9b5);

function createCrc64Nvme(): Checksum {
  const [h0, h1, h2, h3, h4, h5, h6, h7] = CRC64NVME.high as unknown as Tables;
  const [l0, l1, l2, l3, l4, l5, l6, l7] = CRC64NVME.low as unknown as Tables;
  let high = 0xffffffff;
  let low = 0xffffffff;
  return {
    update(data) {
      let h = high;
      let l = low;
      let at = 0;
      for (const end = data.length - 7; at < end; at += 8) {
        const x = l ^ word(data, at);
        const y = h ^ word(data, at + 4);
        const b0 = x & 0xff;
        const b1 = (x >>> 8) & 0xff;
        const b2 = (x >>> 16) & 0xff;
        const b3 = x >>> 24;
        const b4 = y & 0xff;
        const b5 = (y >>> 8) & 0xff;
        const b6 = (y >>> 16) & 0xff;
        const b7 = y >>> 24;
        h =
          at32(h7, b0) ^
          at32(h6, b1) ^
          at32(h5, b2) ^
          at32(h4, b3) ^
          at32(h3, b4) ^
          at32(h2, b5) ^
          at32(h1, b6) ^
          at32(h0, b7);
        l =
          at32(l7, b0) ^
          at32(l6, b1) ^
          at32(l5, b2) ^
          at32(l4, b3) ^
          at32(l3, b4) ^
          at32(l2, b5) ^
          at32(l1, b6) ^
          at32(l0, b7);
      }
      for (; at < data.length; at++) {
        const index = (l ^ (data[at] ?? 0)) & 0xff;
        l = ((l >>> 8) | (h << 24)) ^ at32(l0, index);
        h = (h >>> 8) ^ at32(h0, index);
      }
      high = h;
      low = l;
    },
    digest() {
      const bytes = Buffer.alloc(8);
      bytes.writeUInt32BE((high ^ 0xffffffff) >>> 0, 0);
      bytes.writeUInt32BE((low ^ 0xffffffff) >>> 0, 4);
      return bytes;
    },
  };
}

type Tables = readonly [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
];

function at32(table: Uint32Array, index: number): number {
  return table[index] as number;
}

/** Four bytes, the first the lowest. */
function word(data: Uint8Array, at: number): number {
  return (
    (data[at] as number) |
    ((data[at + 1] as number) << 8) |
    ((data[at + 2] as number) << 16) |
    ((data[at + 3] as number) << 24)
  );
}
