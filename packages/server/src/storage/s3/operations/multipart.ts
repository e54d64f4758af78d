import { MAX_PART_BYTES, MAX_PARTS, meetsCondition, type UploadInfo } from "@aerostack/datahost";
import { uriEncodePath } from "@aerostack/kernel";
import type { UploadName } from "../../service.ts";
import { attributesOf, writeCondition } from "../object-headers.ts";
import { S3Error } from "../s3-error.ts";
import {
  answerEmpty,
  answerXml,
  integerOf,
  isoOf,
  ownerOf,
  readXmlBody,
  type S3BucketRequest,
  type S3ObjectRequest,
} from "../s3-request.ts";
import { childrenOf, malformed, parseXmlOf, textOf } from "../xml/parse-xml.ts";
import { copySourceOf, explainCondition } from "./write-object.ts";

/** 10,000 parts with their tags and checksums. */
const MAX_COMPLETE_BYTES = 4 * 1024 * 1024;
const MAX_PAGE = 1000;

function uploadOf({ name, key, query }: S3ObjectRequest): UploadName {
  return { ...name, key, uploadId: query.get("uploadId") ?? "" };
}

/** CreateMultipartUpload. */
export async function createUpload(request: S3ObjectRequest): Promise<void> {
  const { storage, req, name, key } = request;
  const uploadId = await storage.uploads.create(name, key, attributesOf(req.headers));
  answerXml(
    request,
    "InitiateMultipartUploadResult",
    { Bucket: name.bucket, Key: key, UploadId: uploadId },
    { "x-amz-server-side-encryption": "AES256" },
  );
}

function partNumberOf({ query }: S3ObjectRequest): number {
  const number = integerOf(query, "partNumber", { min: 0, max: 2_147_483_647 });
  if (number === undefined || number < 1 || number > MAX_PARTS) {
    throw new S3Error("InvalidArgument", {
      message: `Part number must be an integer between 1 and ${MAX_PARTS}, inclusive`,
      fields: { ArgumentName: "partNumber", ArgumentValue: query.get("partNumber") ?? "" },
    });
  }
  return number;
}

/** UploadPart. */
export async function uploadPart(request: S3ObjectRequest): Promise<void> {
  const number = partNumberOf(request);
  const payload = request.payload();
  if (payload.size !== undefined && payload.size > MAX_PART_BYTES) throw new S3Error("EntityTooLarge");
  const { etag } = await request.storage.uploads.putPart(uploadOf(request), number, payload.content, payload.size);
  if (payload.md5 !== undefined && payload.md5 !== etag) throw new S3Error("BadDigest");
  answerEmpty(request, 200, {
    etag: `"${etag}"`,
    "x-amz-server-side-encryption": "AES256",
    ...payload.shownChecksums(),
  });
}

/** UploadPartCopy. */
export async function copyPart(request: S3ObjectRequest): Promise<void> {
  const { storage, req, name } = request;
  const number = partNumberOf(request);
  const source = await copySourceOf(request);
  const header = req.headers["x-amz-copy-source-range"];
  const match = header === undefined ? undefined : /^bytes=(\d{1,15})-(\d{1,15})$/.exec(String(header));
  if (match === null) {
    throw new S3Error("InvalidArgument", {
      message:
        "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy",
    });
  }
  const range =
    match === undefined ? undefined : { offset: Number(match[1]), length: Number(match[2]) - Number(match[1]) + 1 };
  const from = { projectId: name.projectId, bucket: source.bucket };
  const located = await storage.reader.locate(from, source.key, range);
  if (located === null) throw new S3Error("NoSuchKey", { fields: { Key: source.key } });
  if (source.sourceIf !== undefined && !meetsCondition(source.sourceIf, located.object)) {
    throw new S3Error("PreconditionFailed");
  }
  if (located.range === null || (range !== undefined && located.range.length !== range.length)) {
    throw new S3Error("InvalidArgument", {
      message: `Range specified is not valid for source object of size: ${located.object.size}`,
    });
  }
  if (located.range.length > MAX_PART_BYTES) throw new S3Error("EntityTooLarge");
  const content = await storage.reader.open(name.projectId, located.slices);
  const { etag } = await storage.uploads.putPart(uploadOf(request), number, content, located.range.length);
  const { parts } = await storage.uploads.listParts(uploadOf(request));
  const uploadedAt = parts.find((part) => part.partNumber === number)?.uploadedAt ?? 0;
  answerXml(request, "CopyPartResult", { LastModified: isoOf(uploadedAt), ETag: `"${etag}"` });
}

/** CompleteMultipartUpload. */
export async function completeUpload(request: S3ObjectRequest, location: string): Promise<void> {
  const { storage, req, name, key } = request;
  const onlyIf = writeCondition(req.headers);
  const document = parseXmlOf("CompleteMultipartUpload", await readXmlBody(request, MAX_COMPLETE_BYTES));
  const parts = childrenOf(document, "Part").map((part) => {
    const number = Number(textOf(part, "PartNumber")?.trim());
    const etag = textOf(part, "ETag")?.trim().replace(/^"|"$/g, "");
    if (!Number.isInteger(number) || number < 1 || number > MAX_PARTS || etag === undefined) throw malformed();
    return { part: number, etag };
  });
  if (parts.length === 0 || parts.length > MAX_PARTS) throw malformed();
  const object = await storage.uploads
    .complete(uploadOf(request), parts, onlyIf)
    .catch((error: unknown) => explainCondition(request, onlyIf, error));
  answerXml(
    request,
    "CompleteMultipartUploadResult",
    { Location: location, Bucket: name.bucket, Key: key, ETag: `"${object.etag}"` },
    { "x-amz-server-side-encryption": "AES256" },
  );
}

/** AbortMultipartUpload. */
export async function abortUpload(request: S3ObjectRequest): Promise<void> {
  await request.storage.uploads.abort(uploadOf(request));
  answerEmpty(request, 204);
}

/** ListParts. */
export async function listParts(request: S3ObjectRequest): Promise<void> {
  const { storage, query, name, key, caller } = request;
  const { upload, parts } = await storage.uploads.listParts(uploadOf(request));
  const marker = integerOf(query, "part-number-marker", { min: 0, max: 2_147_483_647 }) ?? 0;
  const asked = integerOf(query, "max-parts", { min: 0, max: 2_147_483_647 }) ?? MAX_PAGE;
  const after = parts.filter((part) => part.partNumber > marker);
  const page = after.slice(0, Math.min(asked, MAX_PAGE));
  answerXml(request, "ListPartsResult", {
    Bucket: name.bucket,
    Key: key,
    UploadId: query.get("uploadId") ?? "",
    Initiator: ownerOf(caller),
    Owner: ownerOf(caller),
    StorageClass: upload.attributes.storageClass === "Standard" ? "STANDARD" : "STANDARD_IA",
    PartNumberMarker: marker,
    NextPartNumberMarker: page.at(-1)?.partNumber ?? marker,
    MaxParts: Math.min(asked, MAX_PAGE),
    IsTruncated: page.length < after.length,
    Part: page.map((part) => ({
      PartNumber: part.partNumber,
      LastModified: isoOf(part.uploadedAt),
      ETag: `"${part.etag}"`,
      Size: part.size,
    })),
  });
}

/** ListMultipartUploads. */
export async function listUploads(request: S3BucketRequest): Promise<void> {
  const { storage, query, name, caller } = request;
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") || undefined;
  const keyMarker = query.get("key-marker") ?? "";
  const idMarker = keyMarker === "" ? "" : (query.get("upload-id-marker") ?? "");
  const limit = Math.min(integerOf(query, "max-uploads", { min: 1, max: 2_147_483_647 }) ?? MAX_PAGE, MAX_PAGE);
  const encode = (text: string) => (query.get("encoding-type") === "url" ? uriEncodePath(text) : text);
  // A marker without an id is behind every upload of its key.
  const after = { afterKey: keyMarker, afterUploadId: keyMarker !== "" && idMarker === "" ? "\u{10ffff}" : idMarker };
  const found = await storage.uploads.list(name, { prefix, ...after, limit: limit + 1 });
  const page = found.slice(0, limit);
  const last = found.length > limit ? page.at(-1) : undefined;
  const prefixes = new Set<string>();
  const shown: UploadInfo[] = [];
  for (const upload of page) {
    const at = delimiter === undefined ? -1 : upload.key.indexOf(delimiter, prefix.length);
    if (delimiter === undefined || at === -1) shown.push(upload);
    else prefixes.add(upload.key.slice(0, at + delimiter.length));
  }
  answerXml(request, "ListMultipartUploadsResult", {
    Bucket: name.bucket,
    KeyMarker: encode(keyMarker),
    UploadIdMarker: idMarker,
    NextKeyMarker: last === undefined ? undefined : encode(last.key),
    NextUploadIdMarker: last?.uploadId,
    Delimiter: delimiter === undefined ? undefined : encode(delimiter),
    Prefix: encode(prefix),
    EncodingType: query.get("encoding-type"),
    MaxUploads: limit,
    IsTruncated: last !== undefined,
    Upload: shown.map((upload) => ({
      Key: encode(upload.key),
      UploadId: upload.uploadId,
      Initiator: ownerOf(caller),
      Owner: ownerOf(caller),
      StorageClass: upload.attributes.storageClass === "Standard" ? "STANDARD" : "STANDARD_IA",
      Initiated: isoOf(upload.createdAt),
    })),
    CommonPrefixes: [...prefixes].map((one) => ({ Prefix: encode(one) })),
  });
}
