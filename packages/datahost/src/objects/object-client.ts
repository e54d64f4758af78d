import { Agent, type IncomingMessage, request } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { AerostackError } from "@aerostack/contracts/errors";
import type { BlobHash } from "@aerostack/kernel";
import { textToHeader } from "../state/header-text.ts";
import type { ObjectCondition } from "./object-condition.ts";
import type { ObjectAttributes, ObjectHash, ObjectInfo, ObjectRange } from "./object-info.ts";
import type { RangeRequest } from "./object-range.ts";
import { R2_ERROR_CODES, R2_REASONS } from "./r2-refusal.ts";
import { splitHead } from "./split-head.ts";

export interface ObjectClientOptions {
  /** The door of the bindings. */
  readonly socketPath: string;
}

/** Whose objects: a token that was registered as a grant of the project, and a bucket of it. */
export interface ObjectScope {
  readonly token: string;
  readonly bucket: string;
}

export interface PutObjectRequest {
  readonly attributes: ObjectAttributes;
  /** Bytes, where they are known. */
  readonly size?: number | undefined;
  readonly onlyIf?: ObjectCondition | undefined;
  /** Hex; the data host refuses content with others. */
  readonly checksums?: Readonly<Partial<Record<BlobHash, string>>>;
  /** Hex, of content that the caller verifies itself while it passes; asked for after its last byte. */
  readonly attested?: (() => Readonly<Partial<Record<ObjectHash, string>>>) | undefined;
}

export interface PutPartRequest {
  readonly key: string;
  readonly uploadId: string;
  readonly partNumber: number;
  /** Bytes, where they are known. */
  readonly size?: number | undefined;
  /** As for a put. */
  readonly attested?: PutObjectRequest["attested"];
}

export interface AppendRequest {
  readonly uploadId: string;
  readonly offset: number;
  readonly size?: number | undefined;
  /** Hex. */
  readonly checksums?: Readonly<Partial<Record<BlobHash, string>>>;
}

export interface ReadObject {
  readonly object: ObjectInfo;
  readonly range: ObjectRange;
  /** To be read to its end, or destroyed. */
  readonly content: Readable;
}

/**
 * Streams objects in and out of the data host, for the server. It speaks the same protocol as a function's binding.
 * @throws AerostackError NOT_FOUND, STORAGE_PRECONDITION_FAILED, STORAGE_KEY_INVALID, STORAGE_FILE_TOO_LARGE, …
 */
export interface ObjectClient {
  put(
    scope: ObjectScope,
    key: string,
    content: AsyncIterable<Uint8Array> | Buffer,
    options: PutObjectRequest,
  ): Promise<ObjectInfo>;
  /** One part of an upload. @returns its etag */
  putPart(scope: ObjectScope, content: AsyncIterable<Uint8Array>, options: PutPartRequest): Promise<{ etag: string }>;
  /** The next bytes of a resumable upload. @returns how many it has then. @throws CONFLICT where it is not at `offset` */
  append(
    scope: ObjectScope,
    content: AsyncIterable<Uint8Array> | Buffer,
    options: AppendRequest,
  ): Promise<{ offset: number }>;
  get(
    scope: ObjectScope,
    key: string,
    options?: { readonly range?: RangeRequest; readonly onlyIf?: ObjectCondition },
  ): Promise<ReadObject>;
  close(): void;
}

const MAX_CONNECTIONS = 64;

export function createObjectClient({ socketPath }: ObjectClientOptions): ObjectClient {
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_CONNECTIONS });

  function headersOf(scope: ObjectScope): Record<string, string> {
    return { "x-aero-token": scope.token, "x-aero-binding": `r2:${scope.bucket}` };
  }

  /** Sends a head and the content after it. @returns the JSON of the answer. */
  function write(
    scope: ObjectScope,
    fields: object,
    content: AsyncIterable<Uint8Array> | Buffer,
    { size, attested }: Pick<PutObjectRequest, "size" | "attested">,
  ): Promise<Buffer> {
    const head = Buffer.from(JSON.stringify({ version: 1, ...fields }));
    const length = Buffer.isBuffer(content) ? content.length : size;
    // A chunked body ends only when its source does: what a source finds wrong at its end is never stored.
    const isSized = Buffer.isBuffer(content);
    const headers = {
      ...headersOf(scope),
      "cf-r2-metadata-size": head.length,
      ...(length === undefined ? {} : { "x-aero-content-size": length }),
      ...(isSized ? { "content-length": head.length + content.length } : {}),
    };
    return new Promise((resolve, reject) => {
      let sourceError: unknown;
      const req = request({ socketPath, agent, method: "PUT", path: "/", headers }, (res) => {
        readAnswer(res).then(resolve, reject);
      });
      async function* body(): AsyncGenerator<Uint8Array> {
        try {
          // Nothing is sent before the source has begun: what it refuses at once leaves no trace.
          const chunks = (Buffer.isBuffer(content) ? [content] : content) as AsyncIterable<Uint8Array>;
          let isHeadSent = false;
          for await (const chunk of chunks) {
            if (!isHeadSent) yield head;
            isHeadSent = true;
            yield chunk;
          }
          if (attested !== undefined) req.addTrailers({ "x-aero-attested": JSON.stringify(attested()) });
          if (!isHeadSent) yield head;
        } catch (error) {
          sourceError = error;
          throw error;
        }
      }
      req.once("error", (error) => reject(sourceError ?? unavailable(error)));
      // A source that fails destroys the request, and the data host drops what it has.
      pipeline(Readable.from(body()), req).catch((error: unknown) => reject(sourceError ?? error));
    });
  }

  return {
    async put(scope, key, content, { attributes, size, onlyIf, checksums = {}, attested }) {
      const head = {
        method: "put",
        object: key,
        httpFields: attributes.httpMetadata,
        customFields: Object.entries(attributes.customMetadata).map(([k, v]) => ({ k, v })),
        storageClass: attributes.storageClass,
        isPublic: attributes.isPublic,
        tags: attributes.tags,
        onlyIf,
        ...asR2Hashes(checksums),
      };
      return parseObject(await write(scope, head, content, { size, attested })).object;
    },

    async putPart(scope, content, { key, uploadId, partNumber, size, attested }) {
      const head = { method: "uploadPart", object: key, uploadId, partNumber };
      return JSON.parse((await write(scope, head, content, { size, attested })).toString("utf8"));
    },

    async append(scope, content, { uploadId, offset, size, checksums = {} }) {
      const head = { method: "appendUpload", uploadId, offset, ...asR2Hashes(checksums) };
      return JSON.parse((await write(scope, head, content, { size })).toString("utf8"));
    },

    get(scope, key, { range, onlyIf } = {}) {
      const asked = { version: 1, method: "get", object: key, onlyIf, range, rangeHeader: range?.header };
      const headers = { ...headersOf(scope), "cf-r2-request": textToHeader(JSON.stringify(asked)) };
      return new Promise((resolve, reject) => {
        const req = request({ socketPath, agent, method: "GET", path: "/", headers }, (res) => {
          readGetAnswer(res).then(resolve, reject);
        });
        req.once("error", (error) => reject(unavailable(error)));
        req.end();
      });
    },

    close: () => agent.destroy(),
  };
}

/** md5 travels in base64, the others in hex. */
function asR2Hashes({ md5, ...others }: Readonly<Partial<Record<BlobHash, string>>>): object {
  return { ...others, ...(md5 === undefined ? {} : { md5: Buffer.from(md5, "hex").toString("base64") }) };
}

async function readAnswer(res: IncomingMessage): Promise<Buffer> {
  checkAnswer(res);
  const { head, close } = await splitHead(res, Number(res.headers["cf-r2-metadata-size"]));
  await close();
  res.resume();
  return head;
}

async function readGetAnswer(res: IncomingMessage): Promise<ReadObject> {
  checkAnswer(res);
  const { head, rest } = await splitHead(res, Number(res.headers["cf-r2-metadata-size"]));
  const content = Readable.from(rest, { objectMode: false });
  // One that is not read to its end gives its connection up.
  content.once("close", () => res.destroy());
  return { ...parseObject(head), content };
}

function checkAnswer(res: IncomingMessage): void {
  if (res.statusCode === 200) return;
  res.resume();
  const header = res.headers["cf-r2-error"];
  if (typeof header !== "string") throw unavailable(new Error(`the data host answered ${res.statusCode}`));
  const { v4code, message } = JSON.parse(header) as { v4code: number; message: string };
  throw new AerostackError(R2_ERROR_CODES.get(v4code) ?? "INTERNAL_ERROR", {
    message,
    details: { reason: R2_REASONS.get(v4code) ?? "internal" },
  });
}

function unavailable(cause: unknown): AerostackError {
  return new AerostackError("SERVICE_UNAVAILABLE", { cause });
}

function parseObject(head: Buffer): { object: ObjectInfo; range: ObjectRange } {
  const json = JSON.parse(head.toString("utf8"));
  const { 0: md5, 1: sha1, 2: sha256, 3: sha384, 4: sha512 } = json.checksums;
  const fields = json.customFields as readonly { readonly k: string; readonly v: string }[];
  const object: ObjectInfo = {
    key: json.name,
    version: json.version,
    size: json.size,
    etag: json.etag,
    checksums: { md5, sha1, sha256, sha384, sha512 },
    httpMetadata: json.httpFields,
    customMetadata: Object.fromEntries(fields.map(({ k, v }) => [k, v])),
    storageClass: json.storageClass,
    isPublic: json.isPublic === true,
    tags: json.tags,
    uploadedAt: json.uploaded,
  };
  return { object, range: json.range ?? { offset: 0, length: object.size } };
}
