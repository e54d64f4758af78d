import { MAX_PART_BYTES, MAX_PARTS, meetsCondition, type UploadChecksum, type UploadInfo } from "@aerostack/datahost";
import type { UploadName } from "../../service.ts";
import { base64Of, checksumElement } from "../object-checksums.ts";
import { attributesOf } from "../object-headers.ts";
import { checkContent } from "../payload/read-payload.ts";
import { asS3Algorithm, shownAlgorithm, uploadChecksumOf } from "../payload/upload-checksum.ts";
import { S3Error } from "../s3-error.ts";
import { answerEmpty, answerXml, integerOf, isoOf, type S3ObjectRequest } from "../s3-request.ts";
import type { XmlElements } from "../xml/write-xml.ts";
import { copySourceOf } from "./write-object.ts";

export function uploadOf({ name, key, query }: S3ObjectRequest): UploadName {
  return { ...name, key, uploadId: query.get("uploadId") ?? "" };
}

/** CreateMultipartUpload. */
export async function createUpload(request: S3ObjectRequest): Promise<void> {
  const { storage, req, name, key } = request;
  const checksum = uploadChecksumOf(req.headers);
  const uploadId = await storage.uploads.create(name, key, attributesOf(req.headers), { checksum });
  answerXml(
    request,
    "InitiateMultipartUploadResult",
    { Bucket: name.bucket, Key: key, UploadId: uploadId },
    {
      "x-amz-server-side-encryption": "AES256",
      ...(checksum === null
        ? {}
        : {
            "x-amz-checksum-algorithm": shownAlgorithm(checksum.algorithm),
            "x-amz-checksum-type": checksum.type,
          }),
    },
  );
}

/** The upload that a request is about. @throws S3Error NoSuchUpload */
export async function findUpload(request: S3ObjectRequest): Promise<UploadInfo> {
  const { storage, name, key } = request;
  const upload = await storage.uploads.find(name, uploadOf(request).uploadId);
  if (upload === null || upload.key !== key || upload.length !== null) throw new S3Error("NoSuchUpload");
  return upload;
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
  const { checksum } = await findUpload(request);
  const payload = request.payload(checksum === null ? {} : { wanted: asS3Algorithm(checksum) });
  if (payload.size !== undefined && payload.size > MAX_PART_BYTES) throw new S3Error("EntityTooLarge");
  const { etag } = await request.storage.uploads.putPart(uploadOf(request), number, payload.content, payload);
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
  const { checksum } = await findUpload(request);
  const opened = await storage.reader.open(name.projectId, located.slices);
  const wanted = checksum === null ? undefined : asS3Algorithm(checksum);
  const { content, attested } = checkContent(opened, {}, { wanted });
  const { etag } = await storage.uploads.putPart(uploadOf(request), number, content, {
    size: located.range.length,
    attested,
  });
  const { parts } = await storage.uploads.listParts(uploadOf(request));
  const stored = parts.find((part) => part.partNumber === number);
  answerXml(request, "CopyPartResult", {
    LastModified: isoOf(stored?.uploadedAt ?? 0),
    ETag: `"${etag}"`,
    ...partChecksum(checksum, stored?.checksum ?? null),
  });
}

/** AbortMultipartUpload. */
export async function abortUpload(request: S3ObjectRequest): Promise<void> {
  await request.storage.uploads.abort(uploadOf(request));
  answerEmpty(request, 204);
}

/** The element of a part's checksum, where it has one. */
export function partChecksum(checksum: UploadChecksum | null, hex: string | null): XmlElements {
  return checksum === null || hex === null ? {} : { [checksumElement(checksum.algorithm)]: base64Of(hex) };
}
