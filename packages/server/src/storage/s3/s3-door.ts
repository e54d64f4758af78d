import type { IncomingMessage, ServerResponse } from "node:http";
import type { RateVerdict } from "../../kernel/limiter/rate-window.ts";
import type { S3Caller, S3Keys } from "../access-keys/service.ts";
import type { ServedRequest } from "../address/public-door.ts";
import type { StorageService } from "../service.ts";
import { createRequestVerifier } from "./auth/verify-request.ts";
import { listBuckets } from "./operations/buckets.ts";
import { routeBucket, routeObject } from "./operations/route-operation.ts";
import { requireBucket } from "./operations/write-object.ts";
import { readPayload } from "./payload/read-payload.ts";
import { answerPost, postObject } from "./post/post-object.ts";
import { isPostForm, readPostForm } from "./post/read-post-form.ts";
import { verifyPost } from "./post/verify-post.ts";
import { parseS3Address, type S3Address, type S3Style } from "./s3-address.ts";
import { S3Error, toS3Error } from "./s3-error.ts";
import { checkS3Key, type S3Request } from "./s3-request.ts";
import { xmlDocument } from "./xml/write-xml.ts";

export interface S3DoorOptions {
  readonly storage: StorageService;
  readonly keys: S3Keys;
  readonly now: () => number;
  readonly countCall: (projectId: string) => RateVerdict;
  readonly onDefect: (error: unknown, requestId: string) => void;
}

/** Who is at the other end, before the request says whose credential it was signed with. */
export interface S3Peer {
  readonly requestId: string;
  readonly ip: string;
}

/** Names this installation in answers; clients show it in reports of errors. */
const HOST_ID = "aerostack";
const WRITES = new Set(["PUT", "POST", "DELETE"]);
const CORS = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "*, etag, content-range, x-amz-request-id",
};

/**
 * S3's protocol. A key reaches the buckets of its own project, so a bucket of another one is as absent as one that was
 * never made.
 */
export function createS3Door({ storage, keys, now, countCall, onDefect }: S3DoorOptions) {
  const verify = createRequestVerifier({ keys, now });

  async function perform(
    req: IncomingMessage,
    res: ServerResponse,
    style: S3Style,
    { requestId, ip }: S3Peer,
    served: ServedRequest,
  ): Promise<void> {
    const address = parseS3Address(req.url ?? "/", style);
    if (address.bucket !== undefined && address.key === undefined && isUnsignedForm(req, address)) {
      return await performPost(req, res, address.bucket, ip, served);
    }
    const verified = await verify(req, address);
    const { caller } = verified;
    served.projectId = caller.projectId;
    if (!countCall(caller.projectId).allowed) throw new S3Error("SlowDown");
    const request: S3Request = {
      storage,
      req,
      res,
      query: address.query,
      caller,
      requestId,
      payload: (options) => readPayload(req, verified, options),
    };
    const { bucket, key } = address;
    requireAccess(caller, neededBy(req), ip);
    if (bucket === undefined) {
      if (req.method !== "GET") throw new S3Error("MethodNotAllowed");
      return await listBuckets(request);
    }
    const bucketRequest = { ...request, name: { projectId: caller.projectId, bucket } };
    const isCreation =
      key === undefined && req.method === "PUT" && address.query.pairs.every(([name]) => isNoSetting(name));
    if (!isCreation) await requireBucket(storage, bucketRequest.name);
    if (key === undefined) return await routeBucket(bucketRequest, isCreation);
    return await routeObject({ ...bucketRequest, key: checkS3Key(key) }, address.path);
  }

  /** A form carries who signed it, and for what, in its fields. */
  async function performPost(
    req: IncomingMessage,
    res: ServerResponse,
    bucket: string,
    ip: string,
    served: ServedRequest,
  ): Promise<void> {
    const stored = await readPostForm(req, async (form) => {
      const caller = await verifyPost(form.fields, { keys, now: now() });
      const { projectId } = caller;
      served.projectId = projectId;
      if (!countCall(projectId).allowed) throw new S3Error("SlowDown");
      requireAccess(caller, ["storage:write"], ip);
      const name = { projectId, bucket };
      await requireBucket(storage, name);
      const { key, etag } = await postObject(storage, name, form, now());
      return { fields: form.fields, bucket, key, etag };
    });
    answerPost(req, res, stored);
  }

  return async function serve(
    req: IncomingMessage,
    res: ServerResponse,
    peer: S3Peer,
    served: ServedRequest,
    style: S3Style,
  ): Promise<void> {
    for (const [name, value] of Object.entries(CORS)) res.setHeader(name, value);
    res.setHeader("x-amz-request-id", peer.requestId);
    res.setHeader("x-amz-id-2", HOST_ID);
    if (req.method === "OPTIONS") {
      res.writeHead(200, {
        "access-control-allow-methods": "GET, HEAD, PUT, POST, DELETE",
        "access-control-allow-headers": req.headers["access-control-request-headers"] ?? "*",
        "access-control-max-age": "86400",
        "content-length": 0,
      });
      res.end();
      return;
    }
    try {
      await perform(req, res, style, peer, served);
    } catch (thrown) {
      const error = toS3Error(thrown);
      if (error.status >= 500 && error.code !== "NotImplemented" && error.code !== "SlowDown") {
        onDefect(error.cause ?? error, peer.requestId);
      }
      served.message = `${error.code}: ${error.message}`;
      answerError(req, res, error, peer.requestId);
    }
  };
}

/** Parameters that do not make a request one about a bucket's settings. */
function isNoSetting(name: string): boolean {
  return name.startsWith("X-Amz-") || name === "x-id";
}

function isUnsignedForm(req: IncomingMessage, { query }: S3Address): boolean {
  return isPostForm(req) && req.headers.authorization === undefined && query.pairs.length === 0;
}

type S3Scope = "storage:read" | "storage:write";

/** A copy reads what it writes. */
function neededBy(req: IncomingMessage): readonly S3Scope[] {
  if (!WRITES.has(req.method ?? "")) return ["storage:read"];
  return req.headers["x-amz-copy-source"] === undefined ? ["storage:write"] : ["storage:write", "storage:read"];
}

/** A credential that a limited account key made may do what that key may, from where it may. */
function requireAccess({ access, limits }: S3Caller, needed: readonly S3Scope[], ip: string): void {
  if (access === "read-only" && needed.includes("storage:write")) throw new S3Error("AccessDenied");
  if (limits?.allowsAddress?.(ip) === false) {
    throw new S3Error("AccessDenied", { message: "The key that made this credential may not be used from here." });
  }
  const missing = needed.find((scope) => limits?.scopes?.has(scope) === false);
  if (missing !== undefined) {
    throw new S3Error("AccessDenied", { message: `The key that made this credential has no scope ${missing}.` });
  }
}

function answerError(req: IncomingMessage, res: ServerResponse, error: S3Error, requestId: string): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  const { status, code, message, fields } = error;
  if (code === "InvalidRange" && fields.ActualObjectSize !== undefined) {
    res.setHeader("content-range", `bytes */${fields.ActualObjectSize}`);
  }
  const content = { Code: code, Message: message, ...fields, RequestId: requestId, HostId: HOST_ID };
  const body = xmlDocument("Error", content, "");
  const length = Buffer.byteLength(body);
  res.writeHead(status, { "content-type": "application/xml", "content-length": req.method === "HEAD" ? 0 : length });
  res.end(req.method === "HEAD" ? undefined : body);
}
