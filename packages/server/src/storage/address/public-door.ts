import type { IncomingMessage, ServerResponse } from "node:http";
import { AerostackError, MAX_FORM_UPLOAD_BYTES } from "@aerostack/contracts";
import type { RateVerdict } from "../../kernel/limiter/rate-window.ts";
import type { ServeResized } from "../images/serve-resized.ts";
import { decodeObjectKey } from "../object-key.ts";
import { objectNotFound, serveObject } from "../reading/serve-object.ts";
import { plainAttributes, type StorageService } from "../service.ts";
import { sizedBody } from "../sized-body.ts";
import { TUS_CAPABILITIES, TUS_CORS, type TusUploads } from "../tus/tus-uploads.ts";
import { type ObjectAddress, type ObjectUrls, parseObjectAddress, type SignedGrant } from "./object-urls.ts";

export interface PublicDoorOptions {
  readonly storage: StorageService;
  readonly urls: ObjectUrls;
  readonly tus: TusUploads;
  readonly serveResized: ServeResized;
  /** By slug or id. */
  readonly findProject: FindStorageProject;
  readonly countCall: (projectId: string, ip: string) => RateVerdict;
  readonly now: () => number;
}

export interface StorageProject {
  readonly id: string;
  readonly slug: string;
}

export type FindStorageProject = (ref: string) => StorageProject | null | Promise<StorageProject | null>;

/** What the log line of a request says of it. */
export interface ServedRequest {
  projectId?: string;
  /** Why it was refused, where the door has answered that itself. */
  message?: string;
}

/** Clients and caches between ask again, with the etag: an object that is made private or deleted is so at once. */
const PUBLIC_CACHE = "public, max-age=0, must-revalidate";
const SIGNED_CACHE = "private, no-cache";
const METHODS = "GET, HEAD, PUT, POST, OPTIONS";
const CORS = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "etag, content-length, content-range, accept-ranges, last-modified, x-request-id",
  // Answers that are shown in pages of any origin, which is what public objects are for.
  "timing-allow-origin": "*",
};

/**
 * `/storage/<project>[.<bucket>]/<key>`: public objects for everybody, others with a signed URL. Whoever may not read an
 * object is told what is told of one that does not exist.
 */
export function createPublicDoor(options: PublicDoorOptions) {
  const { storage, urls } = options;

  async function read(
    req: IncomingMessage,
    res: ServerResponse,
    at: { readonly project: StorageProject; readonly bucket: string; readonly key: string },
    { query, isSigned }: { readonly query: URLSearchParams; readonly isSigned: boolean },
  ): Promise<void> {
    const name = { projectId: at.project.id, bucket: at.bucket };
    const serving = {
      reader: storage.reader,
      name,
      key: at.key,
      mayRead: ({ object }: { object: { isPublic: boolean } }) => isSigned || object.isPublic,
      cacheControl: isSigned ? SIGNED_CACHE : PUBLIC_CACHE,
      isHead: req.method === "HEAD",
    };
    if (await options.serveResized(req, res, query, serving)) return;
    await serveObject(req, res, serving);
  }

  async function write(
    req: IncomingMessage,
    res: ServerResponse,
    at: { readonly project: StorageProject; readonly bucket: string; readonly key: string },
    grant: SignedGrant,
  ): Promise<void> {
    const contentType = req.headers["content-type"];
    if (grant.contentType !== undefined && contentType !== grant.contentType) {
      throw new AerostackError("FORBIDDEN", {
        message: "The URL was signed for another content type.",
        fix: `Send the header 'Content-Type: ${grant.contentType}'.`,
      });
    }
    const { content, size } = sizedBody(req, grant.maxBytes ?? MAX_FORM_UPLOAD_BYTES);
    const name = { projectId: at.project.id, bucket: at.bucket };
    const attributes = plainAttributes(contentType, grant.isPublic);
    const object = await storage.put(name, at.key, content, { attributes, size });
    const body = JSON.stringify({
      url: object.isPublic ? urls.publicUrl(at.project.slug, at.bucket, at.key) : null,
      key: object.key,
      size: object.size,
      etag: object.etag,
    });
    res.writeHead(200, {
      "content-type": "application/json; charset=utf-8",
      "content-length": Buffer.byteLength(body),
      "cache-control": "no-store",
      etag: `"${object.etag}"`,
    });
    res.end(body);
  }

  /** A signed URL for one upload begins a resumable one as well. */
  async function begin(
    req: IncomingMessage,
    res: ServerResponse,
    at: { readonly project: StorageProject; readonly bucket: string; readonly key: string },
    { contentType, maxBytes = MAX_FORM_UPLOAD_BYTES, isPublic }: SignedGrant,
  ): Promise<void> {
    for (const [name, value] of Object.entries(TUS_CORS)) res.setHeader(name, value);
    const to = { name: { projectId: at.project.id, bucket: at.bucket }, projectSlug: at.project.slug };
    await options.tus.create(req, res, to, {
      target(metadata) {
        const type = contentType ?? metadata.get("contentType") ?? metadata.get("filetype");
        return { key: at.key, attributes: plainAttributes(type, isPublic) };
      },
      maxBytes,
      partialKey: at.key,
    });
  }

  return async function serve(
    req: IncomingMessage,
    res: ServerResponse,
    caller: { readonly ip: string },
    served: ServedRequest,
  ): Promise<void> {
    const { method = "GET", url = "/" } = req;
    for (const [name, value] of Object.entries(CORS)) res.setHeader(name, value);
    if (method === "OPTIONS") {
      for (const [name, value] of Object.entries(TUS_CAPABILITIES)) res.setHeader(name, value);
      res.writeHead(204, {
        "access-control-allow-methods": METHODS,
        "access-control-allow-headers": req.headers["access-control-request-headers"] ?? "*",
        "access-control-max-age": "86400",
      });
      res.end();
      return;
    }
    const isTus = method === "POST" && req.headers["tus-resumable"] !== undefined;
    if (method !== "GET" && method !== "HEAD" && method !== "PUT" && !isTus) {
      res.setHeader("allow", METHODS);
      throw new AerostackError("METHOD_NOT_ALLOWED", { message: `This address answers ${METHODS} only.` });
    }
    const mark = url.indexOf("?");
    const address = parseObjectAddress(mark === -1 ? url : url.slice(0, mark));
    if (address === null) throw objectNotFound();
    const query = new URLSearchParams(mark === -1 ? "" : url.slice(mark + 1));
    const project = await options.findProject(address.project);
    if (project !== null) served.projectId = project.id;
    if (project !== null) requireAllowed(res, options.countCall(project.id, caller.ip), options.now());
    const key = decodeObjectKey(address.path);
    const grant = grantOf(query, method, project, address, key);
    if (project === null) throw objectNotFound();
    const at = { project, bucket: address.bucket, key };
    if (method === "PUT" || isTus) {
      if (grant === undefined) throw notSigned();
      if (isTus) await begin(req, res, at, grant);
      else await write(req, res, at, grant);
    } else await read(req, res, at, { query, isSigned: grant !== undefined });
  };

  /** Undefined where the URL is not signed. @throws FORBIDDEN, whether or not there is such a project or object */
  function grantOf(
    query: URLSearchParams,
    method: string,
    project: StorageProject | null,
    { bucket }: ObjectAddress,
    key: string,
  ): SignedGrant | undefined {
    if (!query.has("signature")) return undefined;
    const used = {
      method: method === "PUT" || method === "POST" ? "PUT" : "GET",
      projectId: project?.id ?? "",
      bucket,
      key,
    } as const;
    const grant = urls.verify(query, used);
    if (grant === null) {
      throw new AerostackError("FORBIDDEN", {
        message: "The signature is not valid for this address, or has expired.",
        fix: "Ask for a new signed URL.",
      });
    }
    return grant;
  }
}

function notSigned(): AerostackError {
  return new AerostackError("FORBIDDEN", {
    message: "Uploads to this address need a signed URL.",
    fix: "Ask for one with POST /v1/storage/signUrl and the method PUT.",
  });
}

export function requireAllowed(res: ServerResponse, verdict: RateVerdict, nowMs: number): void {
  if (verdict.allowed) return;
  const retryAfterSeconds = Math.max(1, Math.ceil(verdict.resetUnixSeconds - nowMs / 1000));
  res.setHeader("x-ratelimit-reset", verdict.resetUnixSeconds);
  throw new AerostackError("RATE_LIMIT_EXCEEDED", { retryAfterSeconds });
}
