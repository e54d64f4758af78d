import { createHash, randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ManualClock } from "../clock.ts";
import { CHUNK_BYTES } from "../crypto/chunked-cipher.ts";
import { BLOB_HASHES, BlobMissingError, type BlobRange, BlobSizeError, type BlobStore } from "./blob-store.ts";

export interface BlobStoreUnderTest {
  readonly store: BlobStore;
  readonly clock: ManualClock;
  /** Every byte that the store has written, names included, for the test that nothing readable lies there. */
  rawBytes(): Promise<Buffer>;
  close(): Promise<void>;
}

async function* pieces(content: Buffer, bytes = 10_000): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += bytes) yield content.subarray(at, at + bytes);
}

async function read(store: BlobStore, id: string, range?: BlobRange): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of await store.get(id, range)) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

async function idsOf(store: BlobStore): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of store.list()) ids.push(id);
  return ids.sort();
}

/** What every blob store guarantees, whatever it keeps its bytes in. */
export function describeBlobStore(name: string, create: () => Promise<BlobStoreUnderTest>): void {
  describe(`blob store: ${name}`, () => {
    let under: BlobStoreUnderTest;
    let store: BlobStore;
    beforeEach(async () => {
      under = await create();
      store = under.store;
    });
    afterEach(() => under.close());

    test.each([0, 1, CHUNK_BYTES, 5 * CHUNK_BYTES + 3])(
      "%i bytes come back with their size and hashes",
      async (size) => {
        const content = randomBytes(size);
        const stored = await store.put(pieces(content), { hashes: BLOB_HASHES });
        expect(stored.size).toBe(size);
        for (const hash of BLOB_HASHES)
          expect(stored.hashes[hash]).toBe(createHash(hash).update(content).digest("hex"));
        expect(await read(store, stored.id)).toEqual(content);
        expect(await store.stat(stored.id)).toEqual({ id: stored.id, size, storedAt: under.clock.now() });
      },
    );

    test("a range is exactly its bytes", async () => {
      const content = randomBytes(2 * CHUNK_BYTES + 50);
      const { id } = await store.put(pieces(content));
      for (const [offset, length] of [
        [0, 10],
        [CHUNK_BYTES - 5, 10],
        [content.length - 7, 7],
        [3, undefined],
      ] as const) {
        const range = length === undefined ? { offset } : { offset, length };
        expect(await read(store, id, range)).toEqual(content.subarray(offset, length && offset + length));
      }
    });

    test("equal content is one blob, and its last put counts", async () => {
      const content = randomBytes(1000);
      const first = await store.put(pieces(content));
      under.clock.advance(5000);
      const again = await store.put(pieces(content, 7));
      expect(again.id).toBe(first.id);
      expect((await store.stat(first.id))?.storedAt).toBe(first.storedAt + 5000);
      expect(await idsOf(store)).toEqual([first.id]);
    });

    test("equal content put many times at once stays whole", async () => {
      const content = randomBytes(3 * CHUNK_BYTES);
      const all = await Promise.all(Array.from({ length: 8 }, () => store.put(pieces(content))));
      expect(new Set(all.map((blob) => blob.id)).size).toBe(1);
      expect(await read(store, all[0]?.id ?? "")).toEqual(content);
    });

    test("an id does not reveal the hash of its content", async () => {
      const stored = await store.put(pieces(Buffer.from("known content")));
      expect(stored.id).toMatch(/^[0-9a-f]{64}$/);
      expect(stored.id).not.toBe(stored.hashes.sha256);
    });

    test("nothing readable is written", async () => {
      await store.put(pieces(Buffer.from("a sentence that nobody may read".repeat(100))));
      expect((await under.rawBytes()).includes("nobody may read")).toBe(false);
    });

    test("too many or too few bytes are refused and leave nothing", async () => {
      const content = randomBytes(100);
      await expect(store.put(pieces(content), { maxBytes: 99 })).rejects.toThrow(BlobSizeError);
      await expect(store.put(pieces(content), { expectedBytes: 99 })).rejects.toThrow(BlobSizeError);
      await expect(store.put(pieces(content), { expectedBytes: 101 })).rejects.toThrow(BlobSizeError);
      expect(await idsOf(store)).toEqual([]);
    });

    test("a source that fails leaves nothing, and its error is passed on", async () => {
      async function* failing(): AsyncGenerator<Buffer> {
        yield randomBytes(CHUNK_BYTES * 2);
        throw new Error("the client went away");
      }
      await expect(store.put(failing())).rejects.toThrow("the client went away");
      expect(await idsOf(store)).toEqual([]);
    });

    test("a missing blob is an error on get, undefined on stat, false on delete", async () => {
      for (const id of ["0".repeat(64), "", "../../etc/passwd", "a/b"]) {
        await expect(store.get(id)).rejects.toThrow(BlobMissingError);
        expect(await store.stat(id)).toBeUndefined();
        expect(await store.delete(id)).toBe(false);
      }
    });

    test("delete with a time spares what was put again since", async () => {
      const content = randomBytes(100);
      const { id } = await store.put(pieces(content));
      under.clock.advance(60_000);
      const cutoff = under.clock.now();
      await store.put(pieces(content));
      expect(await store.delete(id, { storedBefore: cutoff })).toBe(false);
      expect(await read(store, id)).toEqual(content);
      under.clock.advance(1);
      expect(await store.delete(id, { storedBefore: under.clock.now() })).toBe(true);
      expect(await store.stat(id)).toBeUndefined();
    });

    test("a reader keeps what it opened although the blob is deleted or put again", async () => {
      const content = randomBytes(10 * CHUNK_BYTES);
      const { id } = await store.put(pieces(content));
      const reader = await store.get(id);
      await store.put(pieces(content));
      await store.delete(id);
      const parts: Buffer[] = [];
      for await (const part of reader) parts.push(part as Buffer);
      expect(Buffer.concat(parts)).toEqual(content);
    });

    test("list names every blob; deleteAll leaves none, and the store goes on", async () => {
      const ids: string[] = [];
      for (let i = 0; i < 5; i++) ids.push((await store.put(pieces(randomBytes(10)))).id);
      expect(await idsOf(store)).toEqual(ids.sort());
      await store.deleteAll();
      expect(await idsOf(store)).toEqual([]);
      const { id } = await store.put(pieces(Buffer.from("after")));
      expect((await read(store, id)).toString()).toBe("after");
    });
  });
}
