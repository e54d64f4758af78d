import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createManualClock } from "../clock.ts";
import { describeBlobStore } from "./blob-store.contract.ts";
import type { BlobStore } from "./blob-store.ts";
import { createFileBlobStore } from "./file-blob-store.ts";
import { createMovingBlobStore, isMoving } from "./moving-blob-store.ts";

async function createStores() {
  const root = await mkdtemp(join(tmpdir(), "moving-"));
  const clock = createManualClock(1_800_000_000_000);
  const keys = { sealKey: randomBytes(32), idKey: randomBytes(32) };
  const from = createFileBlobStore({ directory: join(root, "from"), clock, ...keys });
  const to = createFileBlobStore({ directory: join(root, "to"), clock, ...keys });
  return {
    root,
    clock,
    from,
    to,
    store: createMovingBlobStore({ from, to }),
    async rawBytes() {
      const entries = await readdir(root, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
      const bytes = await Promise.all(files.map((file) => readFile(file)));
      return Buffer.concat([Buffer.from(files.join("\n")), ...bytes]);
    },
    close: () => rm(root, { recursive: true, force: true }),
  };
}

describeBlobStore("moving", createStores);

async function* bytesOf(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text);
}
const read = async (store: BlobStore, id: string): Promise<string> =>
  Buffer.concat(await (await store.get(id)).toArray()).toString();
async function idsOf(store: BlobStore): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of store.list()) ids.push(id);
  return ids.sort();
}
const quiet = { isStopped: () => false, onMoved: () => undefined, onError: () => undefined };

test("every blob is at its old place or at the new one, and can be read, however often a move is interrupted", async () => {
  const { from, to, store, close } = await createStores();
  const texts = Array.from({ length: 12 }, (_, index) => `blob ${index}`);
  const ids = await Promise.all(texts.map(async (text) => (await from.put(bytesOf(text))).id));
  for (let pass = 0; (await store.countLeft()) > 0; pass++) {
    let moved = 0;
    await store.move({ ...quiet, isStopped: () => moved >= 5, onMoved: () => (moved += 1) });
    expect(pass).toBeLessThan(4);
    expect(await Promise.all(ids.map((id) => read(store, id)))).toEqual(texts);
  }
  expect([await idsOf(from), await idsOf(to)]).toEqual([[], [...ids].sort()]);
  expect(isMoving(store)).toBe(true);
  expect(isMoving(to)).toBe(false);
  await close();
});

test("a blob that was stored but not yet taken from its old place is not stored again", async () => {
  const { from, to, store, clock, close } = await createStores();
  const { id } = await from.put(bytesOf("twice"));
  const { storedAt } = await to.put(bytesOf("twice"));
  clock.advance(60_000);
  expect(await store.move(quiet)).toEqual({ moved: 1, failed: 0 });
  expect([await idsOf(from), (await to.stat(id))?.storedAt]).toEqual([[], storedAt]);
  await close();
});

test("what a killed upload into the bucket left beside the blobs does not stop a move", async () => {
  const { root, from, to, store, close } = await createStores();
  const { id } = await from.put(bytesOf("whole"));
  await writeFile(join(root, "from", randomBytes(16).toString("hex")), "half an upload");
  expect(await store.countLeft()).toBe(1);
  expect(await store.move(quiet)).toEqual({ moved: 1, failed: 0 });
  expect([await idsOf(from), await idsOf(to)]).toEqual([[], [id]]);
  await close();
});

test("a broken blob stays where it is and does not hold up the others; a new place that is away ends the pass", async () => {
  const { root, from, to, store, close } = await createStores();
  const broken = (await from.put(bytesOf("broken"))).id;
  for (let index = 0; index < 6; index++) await from.put(bytesOf(`whole ${index}`));
  await truncate(join(root, "from", broken.slice(0, 2), broken), 30);
  const errors: string[] = [];
  expect(await store.move({ ...quiet, onError: (_error, id) => errors.push(id) })).toEqual({ moved: 6, failed: 1 });
  expect([errors, await idsOf(from)]).toEqual([[broken], [broken]]);

  for (let index = 0; index < 6; index++) await from.put(bytesOf(`more ${index}`));
  const away = { ...to, put: () => Promise.reject(new Error("away")) };
  const stuck = createMovingBlobStore({ from, to: away });
  expect(await stuck.move(quiet)).toEqual({ moved: 0, failed: 3 });
  expect(await stuck.countLeft()).toBe(7);
  await close();
});
