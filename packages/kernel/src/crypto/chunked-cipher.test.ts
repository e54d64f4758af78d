import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  CHUNK_BYTES,
  createChunkSealer,
  HEADER_BYTES,
  openChunks,
  plainSizeOf,
  SealBrokenError,
} from "./chunked-cipher.ts";
import { deriveKey } from "./derive-key.ts";

const key = deriveKey(randomBytes(32), "test");
const SEALED_CHUNK_BYTES = CHUNK_BYTES + 16;

function seal(plain: Buffer, pieceBytes = 1000): Buffer {
  const sealer = createChunkSealer(key);
  const sealed: Buffer[] = [sealer.header];
  const piece = Buffer.alloc(pieceBytes);
  for (let at = 0; at < plain.length; at += pieceBytes) {
    // One buffer for every piece, as a stream may do.
    const length = plain.copy(piece, 0, at, at + pieceBytes);
    sealed.push(...sealer.update(piece.subarray(0, length)));
  }
  sealed.push(sealer.final());
  return Buffer.concat(sealed);
}

async function open(sealed: Buffer, offset?: number, length?: number, withKey: Buffer = key): Promise<Buffer> {
  const source = { size: sealed.length, read: async (at: number, count: number) => sealed.subarray(at, at + count) };
  const from = offset ?? 0;
  const parts: Buffer[] = [];
  const range = { offset: from, length: length ?? plainSizeOf(sealed.length) - from };
  for await (const part of openChunks(source, withKey, range)) parts.push(part);
  return Buffer.concat(parts);
}

describe("chunked cipher", () => {
  test.each([0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 3 * CHUNK_BYTES + 17])(
    "%i bytes come back as they were, whatever the pieces",
    async (size) => {
      const plain = randomBytes(size);
      for (const pieceBytes of [999, CHUNK_BYTES, CHUNK_BYTES * 2 + 5]) {
        const sealed = seal(plain, pieceBytes);
        expect(plainSizeOf(sealed.length)).toBe(size);
        expect(await open(sealed)).toEqual(plain);
      }
    },
  );

  test("a range opens only what it covers", async () => {
    const plain = randomBytes(3 * CHUNK_BYTES + 100);
    const sealed = seal(plain);
    for (const [offset, length] of [
      [0, 1],
      [CHUNK_BYTES - 1, 2],
      [CHUNK_BYTES, CHUNK_BYTES],
      [plain.length - 1, 1],
      [plain.length, 0],
      [10, 0],
      [5, plain.length - 5],
    ] as const) {
      expect(await open(sealed, offset, length)).toEqual(plain.subarray(offset, offset + length));
    }
    // The first chunk is broken, the range lies in the second.
    sealed[HEADER_BYTES] = (sealed[HEADER_BYTES] ?? 0) ^ 1;
    expect(await open(sealed, CHUNK_BYTES, 10)).toEqual(plain.subarray(CHUNK_BYTES, CHUNK_BYTES + 10));
  });

  test("the same bytes never seal to the same bytes", () => {
    const plain = Buffer.from("equal");
    expect(seal(plain).equals(seal(plain))).toBe(false);
  });

  test("any changed byte is detected", async () => {
    const sealed = seal(randomBytes(200));
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 0x80;
      await expect(open(changed)).rejects.toThrow(SealBrokenError);
    }
  });

  test("cutting off whole chunks is detected", async () => {
    const sealed = seal(randomBytes(3 * CHUNK_BYTES));
    await expect(open(sealed.subarray(0, sealed.length - SEALED_CHUNK_BYTES))).rejects.toThrow(SealBrokenError);
    await expect(open(sealed.subarray(0, HEADER_BYTES))).rejects.toThrow(SealBrokenError);
  });

  test("chunks in another order are detected", async () => {
    const sealed = seal(randomBytes(3 * CHUNK_BYTES));
    const swapped = Buffer.concat([
      sealed.subarray(0, HEADER_BYTES),
      sealed.subarray(HEADER_BYTES + SEALED_CHUNK_BYTES, HEADER_BYTES + 2 * SEALED_CHUNK_BYTES),
      sealed.subarray(HEADER_BYTES, HEADER_BYTES + SEALED_CHUNK_BYTES),
      sealed.subarray(HEADER_BYTES + 2 * SEALED_CHUNK_BYTES),
    ]);
    await expect(open(swapped)).rejects.toThrow(SealBrokenError);
  });

  test("a chunk of another file is detected", async () => {
    const one = seal(randomBytes(2 * CHUNK_BYTES));
    const two = seal(randomBytes(2 * CHUNK_BYTES));
    const mixed = Buffer.concat([
      one.subarray(0, HEADER_BYTES + SEALED_CHUNK_BYTES),
      two.subarray(HEADER_BYTES + SEALED_CHUNK_BYTES),
    ]);
    await expect(open(mixed)).rejects.toThrow(SealBrokenError);
  });

  test("another key opens nothing", async () => {
    await expect(open(seal(Buffer.from("secret")), 0, 6, deriveKey(randomBytes(32), "test"))).rejects.toThrow(
      SealBrokenError,
    );
  });
});
