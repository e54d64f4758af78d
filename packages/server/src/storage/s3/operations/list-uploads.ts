import type { UploadChecksum, UploadInfo } from "@aerostack/datahost";
import { uriEncodePath } from "@aerostack/kernel";
import { shownAlgorithm } from "../payload/upload-checksum.ts";
import { answerXml, integerOf, isoOf, ownerOf, type S3BucketRequest, type S3ObjectRequest } from "../s3-request.ts";
import type { XmlElements } from "../xml/write-xml.ts";
import { partChecksum, uploadOf } from "./multipart.ts";

const MAX_PAGE = 1000;

function uploadChecksumElements(checksum: UploadChecksum | null): XmlElements {
  if (checksum === null) return {};
  return { ChecksumAlgorithm: shownAlgorithm(checksum.algorithm), ChecksumType: checksum.type };
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
    ...uploadChecksumElements(upload.checksum),
    Part: page.map((part) => ({
      PartNumber: part.partNumber,
      LastModified: isoOf(part.uploadedAt),
      ETag: `"${part.etag}"`,
      Size: part.size,
      ...partChecksum(upload.checksum, part.checksum),
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
      ...uploadChecksumElements(upload.checksum),
    })),
    CommonPrefixes: [...prefixes].map((one) => ({ Prefix: encode(one) })),
  });
}
