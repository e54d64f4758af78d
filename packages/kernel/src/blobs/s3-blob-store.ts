import { createHash, createHmac, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, rm, stat } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { Clock } from "../clock.ts";
import { createChunkSealer, HEADER_BYTES, openChunks, plainSizeOf } from "../crypto/chunked-cipher.ts";
import { S3CallError, type S3Client } from "../s3/s3-client.ts";
import { BlobMissingError, type BlobRange, type BlobStat, type BlobStore, type StoredBlob } from "./blob-store.ts";
import { createKeyedLock } from "./keyed-lock.ts";
import { createContentMeasure } from "./measured-content.ts";
import { sealedRangeOf, sealedSourceOf } from "./sealed-range-stream.ts";

export interface S3BlobStoreOptions {
  readonly client: S3Client;
  /** In front of the blobs' names within the client's prefix; ends with a slash. */
  readonly folder: string;
  /** Holds what is on its way into the bucket, sealed: a blob's name is known only when all of it was read. */
  readonly spoolDirectory: string;
  /** 32 bytes: seals the blobs. */
  readonly sealKey: Uint8Array;
  /** 32 bytes: turns a content's hash into its id. */
  readonly idKey: Uint8Array;
  readonly clock: Clock;
  /** Larger blobs are sent in parts of this size; S3 takes no less than 5 MiB. */
  readonly partBytes?: number;
}

const ID_PATTERN = /^[0-9a-f]{64}$/;
const SPOOL_PATTERN = /^[0-9a-f]{32}$/;
const STORED_AT = "x-amz-meta-stored-at";
const DEFAULT_PART_BYTES = 256 * 1024 * 1024;
const DELETES_AT_ONCE = 8;
const READ_ATTEMPTS = 3;

/** Blobs in an S3-compatible bucket. The bucket sees sealed bytes only, and names that tell nothing without the key. */
export function createS3BlobStore(options: S3BlobStoreOptions): BlobStore {
  const { client, folder, spoolDirectory, sealKey, idKey, clock, partBytes = DEFAULT_PART_BYTES } = options;
  // Storing over an existing blob and deleting it must not interleave: see `delete` in BlobStore.
  const withLock = createKeyedLock();
  const keyOf = (id: string): string => `${folder}${id.slice(0, 2)}/${id}`;

  async function put(
    content: AsyncIterable<Uint8Array>,
    putOptions: Parameters<BlobStore["put"]>[1] = {},
  ): Promise<StoredBlob> {
    await mkdir(spoolDirectory, { recursive: true, mode: 0o700 });
    const path = join(spoolDirectory, randomBytes(16).toString("hex"));
    try {
      const measure = createContentMeasure(putOptions);
      const sealed = await spool(path, content, measure.add);
      const { size, hashes } = measure.finish();
      const id = createHmac("sha256", idKey).update(hashes.sha256, "hex").digest("hex");
      const storedAt = clock.now();
      await withLock(id, () => send(keyOf(id), path, sealed, { [STORED_AT]: String(storedAt) }));
      return { id, size, storedAt, hashes };
    } finally {
      await rm(path, { force: true });
    }
  }

  /** Writes the sealed bytes to the spool. @returns their size and hash */
  async function spool(path: string, content: AsyncIterable<Uint8Array>, onData: (data: Uint8Array) => void) {
    const file = await open(path, "wx", 0o600);
    const hash = createHash("sha256");
    let size = 0;
    async function write(data: Buffer): Promise<void> {
      hash.update(data);
      size += data.length;
      await file.writeFile(data);
    }
    try {
      const sealer = createChunkSealer(sealKey);
      await write(sealer.header);
      for await (const data of content) {
        onData(data);
        for (const sealed of sealer.update(data)) await write(sealed);
      }
      await write(sealer.final());
      return { size, sha256: hash.digest("hex") };
    } finally {
      await file.close();
    }
  }

  async function send(
    key: string,
    path: string,
    sealed: { readonly size: number; readonly sha256: string },
    headers: Readonly<Record<string, string>>,
  ): Promise<void> {
    if (sealed.size <= partBytes) {
      await client.text({ method: "PUT", key, headers, body: { stream: createReadStream(path), ...sealed } });
      return;
    }
    const created = await client.text({ method: "POST", key, query: { uploads: "" }, headers });
    const uploadId = /<UploadId>([^<]+)<\/UploadId>/.exec(created.body)?.[1] ?? "";
    try {
      const parts: string[] = [];
      for (let start = 0; start < sealed.size; start += partBytes) {
        const part = { start, end: Math.min(sealed.size, start + partBytes) - 1 };
        const sha256 = await hashOf(path, part);
        const body = { stream: createReadStream(path, part), size: part.end - part.start + 1, sha256 };
        const query = { partNumber: String(parts.length + 1), uploadId };
        const res = await client.send({ method: "PUT", key, query, body });
        res.resume();
        if (res.statusCode !== 200) throw new S3CallError("PUT", res.statusCode ?? 0, "");
        parts.push(`<Part><PartNumber>${parts.length + 1}</PartNumber><ETag>${res.headers.etag ?? ""}</ETag></Part>`);
      }
      const body = Buffer.from(`<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`);
      const { body: answer } = await client.text({ method: "POST", key, query: { uploadId }, body });
      // S3 may say 200 before it knows.
      if (answer.includes("<Error>")) throw new S3CallError("POST", 500, answer);
    } catch (error) {
      await client.text({ method: "DELETE", key, query: { uploadId } }).catch(() => undefined);
      throw error;
    }
  }

  async function statBlob(id: string): Promise<BlobStat | undefined> {
    if (!ID_PATTERN.test(id)) return undefined;
    const res = await client.send({ method: "HEAD", key: keyOf(id) });
    res.resume();
    if (res.statusCode === 404) return undefined;
    if (res.statusCode !== 200) throw new S3CallError("HEAD", res.statusCode ?? 0, "");
    return {
      id,
      size: plainSizeOf(Number(res.headers["content-length"])),
      storedAt: Number(res.headers[STORED_AT] ?? Date.parse(res.headers["last-modified"] ?? "")),
    };
  }

  /** Opens the sealed bytes of a range: header first, then the chunks of the same version. */
  async function openSealed(id: string, range: BlobRange | undefined) {
    for (let attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
      const headers = { range: `bytes=0-${HEADER_BYTES - 1}` };
      const first = await client.send({ method: "GET", key: keyOf(id), headers });
      if (first.statusCode === 404) {
        first.resume();
        throw new BlobMissingError(id);
      }
      const header = await bytesOf(first);
      const size = Number(/\/(\d+)$/.exec(first.headers["content-range"] ?? "")?.[1]);
      if (first.statusCode !== 206 || !Number.isInteger(size)) throw new S3CallError("GET", first.statusCode ?? 0, "");
      const offset = range?.offset ?? 0;
      const plain = { offset, length: range?.length ?? plainSizeOf(size) - offset };
      const sealed = sealedRangeOf(size, plain);
      const res = await client.send({
        method: "GET",
        key: keyOf(id),
        headers: { range: `bytes=${sealed.first}-${sealed.last}`, "if-match": first.headers.etag ?? "*" },
      });
      if (res.statusCode === 206) return { plain, source: sealedSourceOf(header, size, res), res };
      res.resume();
      // Put again meanwhile, under another salt: once more from the start.
      if (res.statusCode !== 412) throw new S3CallError("GET", res.statusCode ?? 0, "");
    }
    throw new Error(`the blob ${id} changes all the time`);
  }

  async function* listKeys(): AsyncGenerator<{ key: string; modifiedAt: number }> {
    for (let token: string | undefined; ; ) {
      const query = {
        "list-type": "2",
        prefix: `${client.prefix}${folder}`,
        ...(token === undefined ? {} : { "continuation-token": token }),
      };
      const { body } = await client.text({ method: "GET", query });
      for (const [, entry = ""] of body.matchAll(/<Contents>([\s\S]*?)<\/Contents>/g)) {
        const key = /<Key>([^<]+)<\/Key>/.exec(entry)?.[1] ?? "";
        yield { key, modifiedAt: Date.parse(/<LastModified>([^<]+)</.exec(entry)?.[1] ?? "") };
      }
      token = /<NextContinuationToken>([^<]+)</.exec(body)?.[1];
      if (token === undefined) return;
    }
  }

  /** Blobs in parts that began before that time (ms) and never ended: their sender died. */
  async function abortUploads(startedBefore: number): Promise<void> {
    for (let marker: Readonly<Record<string, string>> = {}; ; ) {
      const query = { uploads: "", prefix: `${client.prefix}${folder}`, ...marker };
      const { body } = await client.text({ method: "GET", query });
      for (const [, entry = ""] of body.matchAll(/<Upload>([\s\S]*?)<\/Upload>/g)) {
        const id = /\/([0-9a-f]{64})<\/Key>/.exec(entry)?.[1];
        const uploadId = /<UploadId>([^<]+)</.exec(entry)?.[1];
        const startedAt = Date.parse(/<Initiated>([^<]+)</.exec(entry)?.[1] ?? "");
        if (id === undefined || uploadId === undefined || !(startedAt < startedBefore)) continue;
        await client.text({ method: "DELETE", key: keyOf(id), query: { uploadId } }, [200, 204, 404]);
      }
      const nextKey = /<NextKeyMarker>([^<]+)</.exec(body)?.[1];
      const nextId = /<NextUploadIdMarker>([^<]+)</.exec(body)?.[1];
      if (!/<IsTruncated>true</.test(body) || nextKey === undefined || nextId === undefined) return;
      marker = { "key-marker": nextKey, "upload-id-marker": nextId };
    }
  }

  return {
    put,
    stat: statBlob,

    async get(id, range) {
      if (!ID_PATTERN.test(id)) throw new BlobMissingError(id);
      const { plain, source, res } = await openSealed(id, range);
      const content = Readable.from(openChunks(source, sealKey, plain), { objectMode: false });
      content.once("close", () => res.destroy());
      return content;
    },

    delete(id, deleteOptions = {}) {
      if (!ID_PATTERN.test(id)) return Promise.resolve(false);
      return withLock(id, async () => {
        const found = await statBlob(id);
        if (found === undefined) return false;
        if (deleteOptions.storedBefore !== undefined && found.storedAt >= deleteOptions.storedBefore) return false;
        await client.text({ method: "DELETE", key: keyOf(id) });
        return true;
      });
    },

    async *list() {
      for await (const { key, modifiedAt } of listKeys()) {
        const id = key.slice(key.lastIndexOf("/") + 1);
        if (ID_PATTERN.test(id)) yield { id, storedAt: modifiedAt };
      }
    },

    async discardPartial(startedBefore) {
      for (const name of await readdir(spoolDirectory).catch((): string[] => [])) {
        // Folders are of blobs that were stored as files and have not moved yet.
        if (!SPOOL_PATTERN.test(name)) continue;
        const path = join(spoolDirectory, name);
        const found = await stat(path).catch(() => undefined);
        if (found !== undefined && found.mtimeMs < startedBefore) await rm(path, { force: true });
      }
      await abortUploads(startedBefore);
    },

    async deleteAll() {
      await abortUploads(Number.POSITIVE_INFINITY);
      let batch: Promise<unknown>[] = [];
      for await (const { key } of listKeys()) {
        const own = key.slice(client.prefix.length);
        batch.push(client.text({ method: "DELETE", key: own }, [200, 204, 404]));
        if (batch.length < DELETES_AT_ONCE) continue;
        await Promise.all(batch);
        batch = [];
      }
      await Promise.all(batch);
      await rm(spoolDirectory, { recursive: true, force: true });
    },
  };
}

async function bytesOf(res: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of res) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function hashOf(path: string, range: { readonly start: number; readonly end: number }): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, range)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
