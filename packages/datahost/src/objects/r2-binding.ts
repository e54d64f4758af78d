import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import type { BindingHandler } from "../state/binding-handler.ts";
import { headerToText } from "../state/header-text.ts";
import { BodyAbortedError, drainBody } from "../state/read-body.ts";
import { Refusal } from "../state/refusal.ts";
import type { ObjectHash } from "./object-info.ts";
import { MAX_LIST_BYTES, MAX_REQUEST_HEAD_BYTES } from "./object-limits.ts";
import type { BucketName, Objects } from "./objects.ts";
import { r2ObjectJson } from "./r2-object-json.ts";
import { R2Refusal } from "./r2-refusal.ts";
import { parseR2Request, type R2ListRequest, type R2Request } from "./r2-request.ts";
import { splitHead } from "./split-head.ts";

/**
 * What workerd's `r2Bucket` binding speaks. Reads are GETs with the request's JSON in the header cf-r2-request; writes
 * are PUTs whose body starts with that JSON, as long as the header cf-r2-metadata-size says, and goes on with the value.
 * Answers have the same form: JSON of that length, then bytes. Errors are in the header cf-r2-error.
 */
export function createR2Binding({ objects }: { readonly objects: Objects }): BindingHandler {
  async function read(name: BucketName, request: R2Request, res: ServerResponse): Promise<void> {
    switch (request.method) {
      case "head": {
        const object = objects.head(name, request.object);
        answerJson(res, r2ObjectJson(object, { range: { offset: 0, length: object.size } }));
        return;
      }
      case "get": {
        const { object, range, content } = await objects.get(name, request.object, request.range, request.onlyIf);
        const head = Buffer.from(r2ObjectJson(object, { range }));
        res.writeHead(200, {
          "cf-r2-metadata-size": head.length,
          "content-type": "application/octet-stream",
          "content-length": head.length + range.length,
        });
        res.write(head);
        await pipeline(content, res).catch(() => {
          // The reader went away, or a blob is broken: a body that is cut short tells the reader.
          res.destroy();
        });
        return;
      }
      case "list":
        answerJson(res, listJson(name, request));
        return;
      default:
        throw new R2Refusal("invalidArgument");
    }
  }

  function listJson(name: BucketName, request: R2ListRequest): string {
    const include = { http: request.includeHttpMetadata, custom: request.includeCustomMetadata };
    const listing = objects.list(name, request, {
      maxBytes: MAX_LIST_BYTES,
      render(object) {
        const entry = r2ObjectJson(object, { include });
        return { entry, bytes: Buffer.byteLength(entry) };
      },
    });
    const { cursor, delimitedPrefixes } = listing;
    const rest = JSON.stringify({ truncated: cursor !== undefined, cursor, delimitedPrefixes });
    return `{"objects":[${listing.objects.join(",")}],${rest.slice(1)}`;
  }

  async function write(name: BucketName, req: IncomingMessage, res: ServerResponse): Promise<void> {
    const headSize = Number(req.headers["cf-r2-metadata-size"]);
    if (!Number.isInteger(headSize) || headSize < 1 || headSize > MAX_REQUEST_HEAD_BYTES) {
      throw new R2Refusal("invalidArgument");
    }
    const size = contentSizeOf(req, headSize);
    const body = await splitHead(req, headSize);
    try {
      const attested = () => attestedOf(req);
      await perform(name, parseR2Request(body.head.toString("utf8")), { rest: body.rest, size, attested }, res);
    } finally {
      await body.close();
    }
  }

  async function perform(
    name: BucketName,
    request: R2Request,
    { rest, size, attested }: RequestBody,
    res: ServerResponse,
  ): Promise<void> {
    switch (request.method) {
      case "put": {
        const { attributes, onlyIf, checksums } = request;
        const object = await objects.put(name, request.object, rest, {
          attributes,
          onlyIf,
          checksums,
          attested,
          size,
        });
        answerJson(res, r2ObjectJson(object, {}));
        return;
      }
      case "delete":
        await objects.delete(name, request.keys);
        res.writeHead(200, { "content-length": 0 });
        res.end();
        return;
      case "createMultipartUpload": {
        const uploadId = await objects.createUpload(name, request.object, request.attributes);
        answerJson(res, JSON.stringify({ uploadId }));
        return;
      }
      case "uploadPart": {
        const upload = { key: request.object, uploadId: request.uploadId, partNumber: request.partNumber };
        answerJson(res, JSON.stringify(await objects.uploadPart(name, upload, rest, size, attested)));
        return;
      }
      case "appendUpload": {
        const { checksums } = request;
        answerJson(res, JSON.stringify(await objects.append(name, request, rest, { size, checksums })));
        return;
      }
      case "completeMultipartUpload": {
        const upload = { key: request.object, uploadId: request.uploadId };
        answerJson(res, r2ObjectJson(await objects.completeUpload(name, upload, request.parts), {}));
        return;
      }
      case "abortMultipartUpload":
        await objects.abortUpload(name, { key: request.object, uploadId: request.uploadId });
        res.writeHead(200, { "content-length": 0 });
        res.end();
        return;
      default:
        throw new R2Refusal("invalidArgument");
    }
  }

  async function answer(name: BucketName, req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (req.method === "PUT") return write(name, req, res);
    const header = req.headers["cf-r2-request"];
    if (req.method !== "GET" || typeof header !== "string") throw new R2Refusal("invalidArgument");
    return read(name, parseR2Request(headerToText(header)), res);
  }

  return (grant, bucket, req, res) =>
    answer({ projectId: grant.projectId, bucket }, req, res).catch(async (error: unknown) => {
      await drainBody(req);
      await answerError(res, error);
    });
}

/** The server says how long a chunked body is in a header of its own. */
function contentSizeOf({ headers }: IncomingMessage, headSize: number): number | undefined {
  const own = headers["x-aero-content-size"];
  if (own !== undefined) return Number(own);
  const length = headers["content-length"];
  return length === undefined ? undefined : Number(length) - headSize;
}

interface RequestBody {
  readonly rest: AsyncIterable<Buffer>;
  readonly size: number | undefined;
  readonly attested: () => Partial<Record<ObjectHash, string>>;
}

/** Hashes that the server has verified while the bytes went through it: known at their end, so they follow them. */
function attestedOf(req: IncomingMessage): Partial<Record<ObjectHash, string>> {
  const trailer = req.trailers["x-aero-attested"];
  return typeof trailer === "string" ? JSON.parse(trailer) : {};
}

function answerJson(res: ServerResponse, json: string): void {
  const body = Buffer.from(json);
  res.writeHead(200, {
    "cf-r2-metadata-size": body.length,
    "content-type": "application/json",
    "content-length": body.length,
  });
  res.end(body);
}

/** @throws what is no refusal, a defect of ours, once the answer is on its way. */
async function answerError(res: ServerResponse, error: unknown): Promise<void> {
  if (error instanceof BodyAbortedError || res.headersSent) {
    res.destroy();
    return;
  }
  const refusal = error instanceof Refusal ? error : new R2Refusal("internal");
  const object = refusal instanceof R2Refusal ? refusal.object : undefined;
  const body = object === undefined ? Buffer.alloc(0) : Buffer.from(r2ObjectJson(object, {}));
  res.writeHead(refusal.status, {
    ...refusal.headers,
    ...(object === undefined ? {} : { "cf-r2-metadata-size": body.length }),
    "content-type": "application/json",
    "content-length": body.length,
  });
  await new Promise<void>((resolve) => res.end(body, resolve));
  if (refusal !== error) throw error;
}
