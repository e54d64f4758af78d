import { createHmac, randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import type { Clock } from "../clock.ts";
import { createChunkSealer, HEADER_BYTES, openChunks, plainSizeOf } from "../crypto/chunked-cipher.ts";
import { BlobMissingError, type BlobRange, type BlobStat, type BlobStore, type StoredBlob } from "./blob-store.ts";
import { createKeyedLock } from "./keyed-lock.ts";
import { createContentMeasure } from "./measured-content.ts";

export interface FileBlobStoreOptions {
  /** Created on first use, mode 700. Uploads on their way into a bucket may lie beside the blobs' folders. */
  readonly directory: string;
  /** 32 bytes: seals the files. */
  readonly sealKey: Uint8Array;
  /** 32 bytes: turns a content's hash into its id. */
  readonly idKey: Uint8Array;
  readonly clock: Clock;
}

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;
const PARTIAL_DIRECTORY = "partial";
const ID_PATTERN = /^[0-9a-f]{64}$/;
const BLOB_FOLDER_PATTERN = /^[0-9a-f]{2}$/;
/** Sealed chunks gathered into one write. */
const WRITE_BYTES = 512 * 1024;

/**
 * Blobs as files: `<directory>/<first two digits>/<id>`. A blob is written and sealed under a partial name, synced,
 * renamed and its directory synced, so after a crash a blob is there as a whole or not at all.
 */
export function createFileBlobStore({ directory, sealKey, idKey, clock }: FileBlobStoreOptions): BlobStore {
  // Storing over an existing blob and deleting it must not interleave: see `delete` in BlobStore.
  const withLock = createKeyedLock();
  const made = new Map<string, Promise<void>>();

  function makeDirectory(name: string): Promise<void> {
    let making = made.get(name);
    if (making === undefined) {
      making = makeDurableDirectory(join(directory, name));
      making.catch(() => made.delete(name));
      made.set(name, making);
    }
    return making;
  }

  const folderOf = (id: string): string => id.slice(0, 2);
  const pathOf = (id: string): string => join(directory, folderOf(id), id);

  async function put(
    content: AsyncIterable<Uint8Array>,
    options: Parameters<BlobStore["put"]>[1] = {},
  ): Promise<StoredBlob> {
    await makeDirectory(PARTIAL_DIRECTORY);
    const partialPath = join(directory, PARTIAL_DIRECTORY, randomBytes(16).toString("hex"));
    const file = await open(partialPath, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, FILE_MODE);
    try {
      const measure = createContentMeasure(options);
      try {
        await writeSealed(file, sealKey, content, measure.add);
        const { size, hashes } = measure.finish();
        const storedAt = clock.now();
        await file.utimes(storedAt / 1000, storedAt / 1000);
        await file.sync();
        const id = createHmac("sha256", idKey).update(hashes.sha256, "hex").digest("hex");
        await makeDirectory(folderOf(id));
        // Renamed over an existing blob too: the content is the same, and the new file is known to be whole.
        await withLock(id, () => rename(partialPath, pathOf(id)));
        await syncPath(join(directory, folderOf(id)));
        return { id, size, storedAt, hashes };
      } finally {
        await file.close();
      }
    } catch (error) {
      await rm(partialPath, { force: true });
      throw error;
    }
  }

  async function statBlob(id: string): Promise<BlobStat | undefined> {
    if (!ID_PATTERN.test(id)) return undefined;
    const found = await stat(pathOf(id)).catch(ignoreMissing);
    if (found === undefined) return undefined;
    return { id, size: plainSizeOf(found.size), storedAt: Math.round(found.mtimeMs) };
  }

  return {
    put,
    stat: statBlob,

    async get(id, range) {
      if (!ID_PATTERN.test(id)) throw new BlobMissingError(id);
      const file = await open(pathOf(id), constants.O_RDONLY).catch(ignoreMissing);
      if (file === undefined) throw new BlobMissingError(id);
      const content = Readable.from(readOpened(file, sealKey, range), { objectMode: false });
      // On close, not at the end of the generator: one that is destroyed before its first read never runs.
      content.once("close", () => file.close().catch(() => undefined));
      return content;
    },

    delete(id, options = {}) {
      if (!ID_PATTERN.test(id)) return Promise.resolve(false);
      return withLock(id, async () => {
        const found = await statBlob(id);
        if (found === undefined) return false;
        if (options.storedBefore !== undefined && found.storedAt >= options.storedBefore) return false;
        await unlink(pathOf(id));
        return true;
      });
    },

    async *list() {
      for (const folder of await readNames(directory)) {
        if (!BLOB_FOLDER_PATTERN.test(folder)) continue;
        for (const id of await readNames(join(directory, folder))) {
          const found = await stat(join(directory, folder, id)).catch(ignoreMissing);
          if (found !== undefined && ID_PATTERN.test(id)) yield { id, storedAt: Math.round(found.mtimeMs) };
        }
      }
    },

    async discardPartial(startedBefore) {
      const folder = join(directory, PARTIAL_DIRECTORY);
      for (const name of await readNames(folder)) {
        const found = await stat(join(folder, name)).catch(ignoreMissing);
        if (found !== undefined && found.mtimeMs < startedBefore) await rm(join(folder, name), { force: true });
      }
    },

    async deleteAll() {
      made.clear();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function writeSealed(
  file: FileHandle,
  key: Uint8Array,
  content: AsyncIterable<Uint8Array>,
  onData: (data: Uint8Array) => void,
): Promise<void> {
  const sealer = createChunkSealer(key);
  let waiting: Buffer[] = [sealer.header];
  let waitingBytes = sealer.header.length;
  async function writeWaiting(): Promise<void> {
    const buffers = waiting;
    let left = waitingBytes;
    waiting = [];
    waitingBytes = 0;
    // writev may write a part only, such as on a disk that is nearly full.
    const { bytesWritten } = await file.writev(buffers);
    left -= bytesWritten;
    if (left > 0) await file.writeFile(Buffer.concat(buffers).subarray(bytesWritten));
  }
  for await (const data of content) {
    onData(data);
    for (const sealed of sealer.update(data)) {
      waiting.push(sealed);
      waitingBytes += sealed.length;
    }
    if (waitingBytes >= WRITE_BYTES) await writeWaiting();
  }
  const last = sealer.final();
  waiting.push(last);
  waitingBytes += last.length;
  await writeWaiting();
}

async function* readOpened(file: FileHandle, key: Uint8Array, range: BlobRange | undefined): AsyncGenerator<Buffer> {
  const { size } = await file.stat();
  const offset = range?.offset ?? 0;
  // Read over again: what is sealed is opened into bytes of its own before more is read, and new memory for each read costs
  // more than the reading (half of what the garbage collector had to do for a large object).
  let held: Buffer | undefined;
  const source = {
    size,
    async read(position: number, length: number): Promise<Buffer> {
      const isHeader = position < HEADER_BYTES;
      if (!isHeader && (held === undefined || held.length < length)) held = Buffer.allocUnsafeSlow(length);
      const buffer = isHeader || held === undefined ? Buffer.alloc(length) : held;
      const { bytesRead } = await file.read(buffer, 0, length, position);
      return buffer.subarray(0, bytesRead);
    },
  };
  yield* openChunks(source, key, { offset, length: range?.length ?? plainSizeOf(size) - offset });
}

/** Makes a directory and the ones above it, each entered durably in its parent. */
async function makeDurableDirectory(path: string): Promise<void> {
  const highest = await mkdir(path, { recursive: true, mode: DIRECTORY_MODE });
  if (highest === undefined) return;
  for (let made = path; made.length >= highest.length; made = dirname(made)) await syncPath(dirname(made));
}

/** Makes a directory's own entries durable. */
async function syncPath(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function readNames(path: string): Promise<string[]> {
  return (await readdir(path).catch(ignoreMissing)) ?? [];
}

function ignoreMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
  throw error;
}
