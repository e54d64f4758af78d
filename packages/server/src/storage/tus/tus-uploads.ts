import type { IncomingMessage, ServerResponse } from "node:http";
import { AerostackError } from "@aerostack/contracts";
import { PARTIAL, UPLOAD_EXPIRES_AFTER_MS, type UploadInfo } from "@aerostack/datahost";
import type { BlobHash } from "@aerostack/kernel";
import type { BucketName } from "../reading/object-reader.ts";
import { plainAttributes, type StorageService } from "../service.ts";
import { type BodyPieces, createBodyPieces } from "./body-pieces.ts";
import { type Concatenation, noSuchUpload, parseConcatenation } from "./concatenation.ts";
import { MAX_UPLOAD_BYTES } from "./tus-limits.ts";
import { parseUploadMetadata, showUploadMetadata, type UploadTarget } from "./upload-metadata.ts";

export const TUS_VERSION = "1.0.0";
export const TUS_PREFIX = "/tus/";
const MEBIBYTE = 1024 * 1024;
/** What is stored at once, so that a server that dies loses no more than this. */
const PIECE_BYTES = 8 * MEBIBYTE;
/** Below the data host's 10,000: clients cut pieces of their own. */
const MAX_PIECES = 5000;
const CONTENT_TYPE = "application/offset+octet-stream";
const CHECKSUM_ALGORITHMS: readonly BlobHash[] = ["sha1", "sha256", "sha512", "md5"];
/** The protocol's own status for bytes that are not those of their checksum. */
const CHECKSUM_MISMATCH = 460;

export const TUS_METHODS = "POST, HEAD, PATCH, DELETE, OPTIONS";
export const TUS_CORS: Readonly<Record<string, string>> = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers":
    "Location, Tus-Resumable, Tus-Version, Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm, Upload-Offset, Upload-Length, Upload-Defer-Length, Upload-Concat, Upload-Metadata, Upload-Expires",
};
export const TUS_CAPABILITIES: Readonly<Record<string, string>> = {
  "tus-resumable": TUS_VERSION,
  "tus-version": TUS_VERSION,
  "tus-extension": "creation,creation-with-upload,creation-defer-length,expiration,checksum,termination,concatenation",
  "tus-max-size": String(MAX_UPLOAD_BYTES),
  "tus-checksum-algorithm": CHECKSUM_ALGORITHMS.join(","),
};

interface CreationPlace {
  readonly name: BucketName;
  readonly projectSlug: string;
}

interface CreationPlan {
  readonly target: (metadata: ReadonlyMap<string, string>) => UploadTarget;
  readonly maxBytes?: number;
  /** What parts of a concatenation are kept under, and only those of the same are put together. */
  readonly partialKey?: string;
}

/** No key that comes by HTTP. */
const PARTIAL_KEY = "\0partial";
/** A piece of an upload whose length is not known, as a share of what it has: it stays below the data host's 10,000. */
const GROWTH = 1000;

/** Resumable uploads (tus 1.0.0, https://tus.io/protocols/resumable-upload). Their state is in the data host alone. */
export function createTusUploads(storage: StorageService) {
  /** Stores the body from `offset` on, piece by piece. @returns where the upload stands then */
  async function store(
    req: IncomingMessage,
    body: BodyPieces,
    name: BucketName,
    upload: UploadInfo,
    offset: number,
  ): Promise<number> {
    const { uploadId, length } = upload;
    const left = (length ?? 0) - offset;
    const announced = req.headers["content-length"];
    if (announced !== undefined && Number(announced) > left) throw tooLong();
    const checksums = checksumOf(req);
    // What is checked as a whole is stored as a whole.
    let at = offset;
    while (await body.hasMore()) {
      if (at === length) throw tooLong();
      const share = upload.isDeferred ? at / GROWTH : (length ?? 0) / MAX_PIECES;
      const pieceBytes = checksums === undefined ? Math.max(PIECE_BYTES, Math.ceil(share)) : left + 1;
      const piece = body.next(checksums === undefined ? Math.min(pieceBytes, (length ?? 0) - at) : pieceBytes);
      const content = checksums === undefined ? piece : unlessCut(piece, () => body.isCut);
      const request = { uploadId, offset: at, ...(checksums === undefined ? {} : { checksums }) };
      at = (await storage.uploads.append(name, request, content)).offset;
    }
    // Also where the client left right after its last byte: it will ask, and be told that all of them are here.
    if (at === length && becomesObject(upload)) await finish(name, uploadId);
    return at;
  }

  async function find(name: BucketName, uploadId: string): Promise<UploadInfo & { readonly offset: number }> {
    const upload = await storage.uploads.find(name, uploadId);
    if (upload === null || upload.length === null) {
      return noSuchUpload();
    }
    if (upload.finishedAt !== null || upload.offset !== upload.length || !becomesObject(upload)) return upload;
    // The server died between the last byte and the object.
    await finish(name, uploadId);
    return upload;
  }

  /** A piece may tell the length of an upload that began without one. */
  async function withLength(
    req: IncomingMessage,
    name: BucketName,
    upload: UploadInfo & { readonly offset: number },
  ): Promise<UploadInfo & { readonly offset: number }> {
    if (headerOf(req, "upload-length") === undefined) return upload;
    const length = lengthOf(req) ?? 0;
    await storage.uploads.setLength(name, upload.uploadId, length);
    return { ...upload, length, isDeferred: false };
  }

  /** Once: whoever comes second finds it done. */
  async function finish(name: BucketName, uploadId: string): Promise<void> {
    const upload = await storage.uploads.find(name, uploadId);
    if (upload !== null && upload.finishedAt !== null) return;
    await storage.uploads.finish(name, uploadId).catch(async (error: unknown) => {
      const now = await storage.uploads.find(name, uploadId);
      if (now === null || now.finishedAt === null) throw error;
    });
  }

  async function begin(
    req: IncomingMessage,
    res: ServerResponse,
    body: BodyPieces,
    to: CreationPlace,
    plan: CreationPlan,
  ): Promise<void> {
    requireVersion(req, res);
    const concat = parseConcatenation(headerOf(req, "upload-concat"));
    const maxBytes = Math.min(plan.maxBytes ?? MAX_UPLOAD_BYTES, MAX_UPLOAD_BYTES);
    const metadata = parseUploadMetadata(headerOf(req, "upload-metadata"));
    const uploadId =
      concat?.kind === "final"
        ? await concatenate(req, to, { ...plan, maxBytes }, concat, metadata)
        : await open(req, to.name, { ...plan, maxBytes }, concat, metadata);
    const upload = await find(to.name, uploadId);
    res.setHeader("location", `${TUS_PREFIX}${to.projectSlug}.${to.name.bucket}/${uploadId}`);
    const hasBody = req.headers["content-type"] === CONTENT_TYPE && concat?.kind !== "final";
    const offset = hasBody ? await store(req, body, to.name, upload, 0) : 0;
    res.writeHead(201, {
      "tus-resumable": TUS_VERSION,
      "upload-expires": expiryOf(upload),
      ...(hasBody ? { "upload-offset": offset } : {}),
      "content-length": 0,
      "cache-control": "no-store",
    });
    res.end();
  }

  async function open(
    req: IncomingMessage,
    name: BucketName,
    plan: CreationPlan & { readonly maxBytes: number },
    concat: Concatenation | undefined,
    metadata: ReadonlyMap<string, string>,
  ): Promise<string> {
    const length = lengthOf(req);
    if (length !== undefined && length > plan.maxBytes) throw tooLong();
    const options = { length: length ?? plan.maxBytes, isDeferred: length === undefined };
    if (concat !== undefined) {
      const key = plan.partialKey ?? PARTIAL_KEY;
      return await storage.uploads.create(name, key, plainAttributes(undefined), { ...options, concat: PARTIAL });
    }
    const { key, attributes } = plan.target(metadata);
    return await storage.uploads.create(name, key, attributes, options);
  }

  async function concatenate(
    req: IncomingMessage,
    { name, projectSlug }: CreationPlace,
    { target, partialKey, maxBytes }: CreationPlan & { readonly maxBytes: number },
    { uploads, header }: Extract<Concatenation, { kind: "final" }>,
    metadata: ReadonlyMap<string, string>,
  ): Promise<string> {
    if (headerOf(req, "upload-length") !== undefined || headerOf(req, "upload-defer-length") !== undefined) {
      throw new AerostackError("VALIDATION_ERROR", {
        message: "An upload that is put together of others has the length of those: Upload-Length is not sent with it.",
      });
    }
    const isOwn = uploads.every(
      ({ project, bucket }) => bucket === name.bucket && (project === projectSlug || project === name.projectId),
    );
    if (!isOwn) noSuchUpload();
    const { key, attributes } = target(metadata);
    const uploadIds = uploads.map(({ uploadId }) => uploadId);
    const parts = { partialKey: partialKey ?? PARTIAL_KEY, uploadIds, maxBytes, concat: header };
    return await storage.uploads.concat(name, { key, attributes, ...parts });
  }

  return {
    /** POST: begins an upload, and takes its first bytes where there are any. */
    async create(req: IncomingMessage, res: ServerResponse, to: CreationPlace, plan: CreationPlan): Promise<void> {
      const body = createBodyPieces(req);
      try {
        await begin(req, res, body, to, plan);
      } finally {
        body.discard();
      }
    },

    /** HEAD, PATCH and DELETE of one upload. */
    async serve(
      req: IncomingMessage,
      res: ServerResponse,
      body: BodyPieces,
      name: BucketName,
      uploadId: string,
    ): Promise<void> {
      requireVersion(req, res);
      const method = req.method === "POST" ? headerOf(req, "x-http-method-override") : req.method;
      const upload = await find(name, uploadId);
      const common = { "tus-resumable": TUS_VERSION, "cache-control": "no-store", "upload-expires": expiryOf(upload) };
      switch (method) {
        case "HEAD":
          res.writeHead(200, {
            ...common,
            "upload-offset": upload.offset,
            ...(upload.isDeferred ? { "upload-defer-length": 1 } : { "upload-length": upload.length ?? 0 }),
            ...(upload.concat === null ? {} : { "upload-concat": upload.concat }),
            ...(upload.concat === PARTIAL ? {} : { "upload-metadata": showUploadMetadata(upload) }),
          });
          res.end();
          return;
        case "PATCH": {
          if (req.headers["content-type"] !== CONTENT_TYPE) {
            throw new AerostackError("UNSUPPORTED_MEDIA_TYPE", { message: `A piece is sent as ${CONTENT_TYPE}.` });
          }
          if (upload.concat !== null && upload.concat !== PARTIAL) {
            throw new AerostackError("FORBIDDEN", {
              message: "An upload that is put together of others takes no bytes.",
            });
          }
          const offset = headerOf(req, "upload-offset") ?? "";
          if (!/^\d{1,15}$/.test(offset)) {
            throw new AerostackError("VALIDATION_ERROR", {
              message: "The header Upload-Offset is missing or malformed.",
            });
          }
          if (Number(offset) !== upload.offset)
            throw new AerostackError("CONFLICT", { message: "The upload is not there." });
          try {
            const now = await store(req, body, name, await withLength(req, name, upload), upload.offset);
            res.writeHead(204, { ...common, "upload-offset": now });
            res.end();
          } catch (error) {
            if (!(error instanceof AerostackError && error.details?.reason === "badDigest")) throw error;
            res.writeHead(CHECKSUM_MISMATCH, "Checksum Mismatch", { ...common, "content-length": 0 });
            res.end();
          }
          return;
        }
        case "DELETE":
          await storage.uploads.abort({ ...name, key: upload.key, uploadId });
          res.writeHead(204, { "tus-resumable": TUS_VERSION });
          res.end();
          return;
        default:
          res.setHeader("allow", TUS_METHODS);
          throw new AerostackError("METHOD_NOT_ALLOWED", {
            message: "This address answers HEAD, PATCH and DELETE only.",
          });
      }
    },
  };
}

export type TusUploads = ReturnType<typeof createTusUploads>;

/** 412 with what is spoken here, as the protocol wants it. */
function requireVersion(req: IncomingMessage, res: ServerResponse): void {
  if (headerOf(req, "tus-resumable") === TUS_VERSION) return;
  res.setHeader("tus-version", TUS_VERSION);
  throw new AerostackError("STORAGE_PRECONDITION_FAILED", {
    message: `This address speaks tus ${TUS_VERSION}.`,
    fix: `Send the header 'Tus-Resumable: ${TUS_VERSION}'.`,
  });
}

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : undefined;
}

/** Undefined where it comes later. @throws VALIDATION_ERROR */
function lengthOf(req: IncomingMessage): number | undefined {
  const text = headerOf(req, "upload-length");
  const deferred = headerOf(req, "upload-defer-length");
  if (text === undefined && deferred === "1") return undefined;
  if (text !== undefined && deferred === undefined && /^\d{1,15}$/.test(text)) return Number(text);
  throw new AerostackError("VALIDATION_ERROR", {
    message: "The header Upload-Length is missing or malformed, or comes with Upload-Defer-Length.",
    fix: "Send Upload-Length, or 'Upload-Defer-Length: 1' while the length is not known.",
  });
}

/** By its last byte: one of a known length that is no part of another. */
function becomesObject({ isDeferred, concat }: UploadInfo): boolean {
  return !isDeferred && concat === null;
}

function expiryOf({ createdAt }: UploadInfo): string {
  return new Date(createdAt + UPLOAD_EXPIRES_AFTER_MS).toUTCString();
}

/** `Upload-Checksum: <algorithm> <base64>`, in hex. @throws VALIDATION_ERROR */
function checksumOf(req: IncomingMessage): Partial<Record<BlobHash, string>> | undefined {
  const header = headerOf(req, "upload-checksum");
  if (header === undefined) return undefined;
  const [name = "", value = ""] = header.split(" ");
  const algorithm = CHECKSUM_ALGORITHMS.find((one) => one === name.toLowerCase());
  if (algorithm === undefined || value === "") {
    throw new AerostackError("VALIDATION_ERROR", {
      message: `The checksum is none of ${CHECKSUM_ALGORITHMS.join(", ")}.`,
    });
  }
  return { [algorithm]: Buffer.from(value, "base64").toString("hex") };
}

/** A piece with a checksum is taken as a whole or not at all. */
async function* unlessCut(piece: AsyncIterable<Uint8Array>, isCut: () => boolean): AsyncGenerator<Uint8Array> {
  yield* piece;
  if (isCut()) throw new AerostackError("REQUEST_MALFORMED", { message: "The request ended early." });
}

function tooLong(): AerostackError {
  return new AerostackError("STORAGE_FILE_TOO_LARGE", {
    message: "These are more bytes than the upload may have.",
    fix: "Announce the number of bytes in Upload-Length, and send no more.",
  });
}
