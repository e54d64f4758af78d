import { Agent, type IncomingMessage, request } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { AerostackError } from "@aerostack/contracts";
import type { BlobHash } from "@aerostack/kernel";
import { textToHeader } from "../state/header-text.ts";
import type { ObjectCondition } from "./object-condition.ts";
import type { ObjectAttributes, ObjectInfo, ObjectRange } from "./object-info.ts";
import type { RangeRequest } from "./object-range.ts";
import { R2_ERROR_CODES } from "./r2-refusal.ts";
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

  return {
    put(scope, key, content, { attributes, size, onlyIf, checksums = {} }) {
      const { md5, ...others } = checksums;
      const head = Buffer.from(
        JSON.stringify({
          version: 1,
          method: "put",
          object: key,
          httpFields: attributes.httpMetadata,
          customFields: Object.entries(attributes.customMetadata).map(([k, v]) => ({ k, v })),
          storageClass: attributes.storageClass,
          onlyIf,
          ...others,
          ...(md5 === undefined ? {} : { md5: Buffer.from(md5, "hex").toString("base64") }),
        }),
      );
      async function* body(): AsyncGenerator<Uint8Array> {
        yield head;
        if (Buffer.isBuffer(content)) yield content;
        else yield* content;
      }
      const length = Buffer.isBuffer(content) ? content.length : size;
      const headers = {
        ...headersOf(scope),
        "cf-r2-metadata-size": head.length,
        ...(length === undefined ? {} : { "content-length": head.length + length }),
      };
      return new Promise((resolve, reject) => {
        const req = request({ socketPath, agent, method: "PUT", path: "/", headers }, (res) => {
          readPutAnswer(res).then(resolve, reject);
        });
        req.once("error", (error) => reject(unavailable(error)));
        // A source that fails destroys the request, and the data host drops what it has.
        pipeline(Readable.from(body()), req).catch(reject);
      });
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

async function readPutAnswer(res: IncomingMessage): Promise<ObjectInfo> {
  checkAnswer(res);
  const { head, close } = await splitHead(res, Number(res.headers["cf-r2-metadata-size"]));
  await close();
  res.resume();
  return parseObject(head).object;
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
  throw new AerostackError(R2_ERROR_CODES.get(v4code) ?? "INTERNAL_ERROR", { message });
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
    uploadedAt: json.uploaded,
  };
  return { object, range: json.range ?? { offset: 0, length: object.size } };
}
