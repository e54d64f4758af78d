import type { IncomingHttpHeaders } from "node:http";
import type { ObjectParts } from "@aerostack/datahost";
import { base64Of, checksumElement, checksumElements } from "../object-checksums.ts";
import { S3Error } from "../s3-error.ts";
import { answerXml, type S3ObjectRequest } from "../s3-request.ts";
import type { XmlElements } from "../xml/write-xml.ts";
import { requireNullVersion } from "./read-object.ts";

const MAX_PARTS_PAGE = 1000;
const ATTRIBUTES: ReadonlySet<string> = new Set(["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]);

/** GetObjectAttributes. */
export async function readAttributes(request: S3ObjectRequest): Promise<void> {
  const { storage, req, name, key } = request;
  requireNullVersion(request);
  const wanted = new Set(
    String(req.headers["x-amz-object-attributes"] ?? "")
      .split(",")
      .map((one) => one.trim()),
  );
  if ([...wanted].some((one) => !ATTRIBUTES.has(one))) {
    throw new S3Error("InvalidArgument", { message: "Invalid attribute name specified." });
  }
  const found = await storage.parts(name, key);
  if (found === null) throw new S3Error("NoSuchKey", { fields: { Key: key } });
  const { object } = found;
  const checksum = checksumElements(object);
  const isParts = /-\d+$/.test(object.etag);
  answerXml(
    request,
    "GetObjectAttributesResponse",
    {
      ETag: wanted.has("ETag") ? object.etag : undefined,
      Checksum: wanted.has("Checksum") && Object.keys(checksum).length > 0 ? checksum : undefined,
      ObjectParts: wanted.has("ObjectParts") && isParts ? partsOf(found, req.headers) : undefined,
      StorageClass: wanted.has("StorageClass")
        ? object.storageClass === "Standard"
          ? "STANDARD"
          : "STANDARD_IA"
        : undefined,
      ObjectSize: wanted.has("ObjectSize") ? object.size : undefined,
    },
    { "last-modified": new Date(object.uploadedAt).toUTCString() },
  );
}

/** A page of an object's parts; the parts themselves only where they have checksums, as S3 tells them. */
function partsOf({ object, parts }: ObjectParts, headers: IncomingHttpHeaders): XmlElements {
  const algorithm = object.composite?.algorithm ?? Object.keys(object.checksums)[0];
  const marker = wholeNumber(headers, "x-amz-part-number-marker") ?? 0;
  const limit = Math.min(wholeNumber(headers, "x-amz-max-parts") ?? MAX_PARTS_PAGE, MAX_PARTS_PAGE);
  const page = parts.slice(marker, marker + limit);
  const shown = page.flatMap(({ size, checksum }, index) =>
    algorithm === undefined || checksum === null
      ? []
      : [{ PartNumber: marker + index + 1, Size: size, [checksumElement(algorithm)]: base64Of(checksum) }],
  );
  return {
    PartsCount: parts.length,
    PartNumberMarker: marker,
    NextPartNumberMarker: marker + page.length,
    MaxParts: limit,
    IsTruncated: marker + page.length < parts.length,
    Part: shown,
  };
}

function wholeNumber(headers: IncomingHttpHeaders, name: string): number | undefined {
  const text = headers[name];
  if (text === undefined) return undefined;
  if (!/^\d{1,10}$/.test(String(text))) {
    throw new S3Error("InvalidArgument", { message: `${name} must be a whole number.` });
  }
  return Number(text);
}
