import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createManualClock } from "../clock.ts";
import { SealBrokenError } from "../crypto/chunked-cipher.ts";
import { describeBlobStore } from "./blob-store.contract.ts";
import { createFileBlobStore } from "./file-blob-store.ts";

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function createStore() {
  const root = await mkdtemp(join(tmpdir(), "blobs-"));
  const directory = join(root, "project", "blobs");
  const clock = createManualClock(1_800_000_000_000);
  const keys = { sealKey: randomBytes(32), idKey: randomBytes(32) };
  return {
    directory,
    clock,
    store: createFileBlobStore({ directory, clock, ...keys }),
    async rawBytes() {
      const files = await filesBelow(root);
      return Buffer.concat([
        Buffer.from(files.join("\n")),
        ...(await Promise.all(files.map((file) => readFile(file)))),
      ]);
    },
    close: () => rm(root, { recursive: true, force: true }),
  };
}

describeBlobStore("files", createStore);

async function* content(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text);
}

test("a file that was cut or changed on the disk is an error, never other bytes", async () => {
  const { store, directory, close } = await createStore();
  const { id } = await store.put(content("x".repeat(100_000)));
  const path = join(directory, id.slice(0, 2), id);
  await truncate(path, (await stat(path)).size - 1);
  await expect(async () => (await store.get(id)).toArray()).rejects.toThrow(SealBrokenError);
  await close();
});

test("files and folders are for their owner only", async () => {
  const { store, directory, close } = await createStore();
  const { id } = await store.put(content("secret"));
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
  expect((await stat(join(directory, id.slice(0, 2), id))).mode & 0o777).toBe(0o600);
  await close();
});

test("an upload cut off by a crash is no blob, and is discarded once it is old", async () => {
  const { store, directory, clock, close } = await createStore();
  await store.put(content("whole"));
  const cut = join(directory, "partial", "f".repeat(32));
  await writeFile(cut, "half");
  await utimes(cut, clock.now() / 1000, clock.now() / 1000);
  await store.discardPartial(clock.now());
  expect(await filesBelow(directory)).toHaveLength(2);
  await store.discardPartial(clock.now() + 1000);
  expect(await filesBelow(directory)).toHaveLength(1);
  await close();
});

test("a reader that is closed before its first byte leaves no open file", async () => {
  const { store, close } = await createStore();
  const { id } = await store.put(content("bytes"));
  const openFiles = async () => (await readdir("/proc/self/fd").catch(() => [])).length;
  const before = await openFiles();
  const readers = await Promise.all(Array.from({ length: 20 }, () => store.get(id)));
  for (const reader of readers) {
    const closed = new Promise((resolve) => reader.once("close", resolve));
    reader.destroy();
    await closed;
  }
  // The handles close in the thread pool; one more trip through it comes after them.
  await store.stat(id);
  expect(await openFiles()).toBeLessThanOrEqual(before + 2);
  await close();
});
