import type { IncomingHttpHeaders } from "node:http";
import type { ObjectAttributes, ObjectCondition, ObjectInfo } from "@aerostack/datahost";
import { parseEtags } from "../reading/conditional-request.ts";
import { BROWSER_SAFETY, storedHeaders } from "../reading/content-headers.ts";
import { tagCountHeader, tagsOfHeader } from "./object-tags.ts";
import { S3Error } from "./s3-error.ts";

const META_PREFIX = "x-amz-meta-";
const STORAGE_CLASSES: Readonly<Record<string, ObjectAttributes["storageClass"]>> = {
  STANDARD: "Standard",
  STANDARD_IA: "InfrequentAccess",
};
/** What would change how an object is kept, and is not done here: better refused than forgotten. */
const NOT_IMPLEMENTED = [
  "x-amz-server-side-encryption-customer-algorithm",
  "x-amz-server-side-encryption-aws-kms-key-id",
  "x-amz-object-lock-mode",
  "x-amz-object-lock-legal-hold",
  "x-amz-website-redirect-location",
  "x-amz-write-offset-bytes",
] as const;
const AWS_CHUNKED = "aws-chunked";

/** Node reads and writes headers as Latin-1; clients send UTF-8. */
function fromHeader(value: string): string {
  return Buffer.from(value, "latin1").toString("utf8");
}

function toHeader(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** What the headers of an upload say of the object. @throws S3Error */
export function attributesOf(headers: IncomingHttpHeaders): Required<ObjectAttributes> {
  for (const name of NOT_IMPLEMENTED) {
    if (headers[name] !== undefined) throw new S3Error("NotImplemented", { fields: { Header: name } });
  }
  const encryption = headers["x-amz-server-side-encryption"];
  if (encryption !== undefined && encryption !== "AES256") {
    throw new S3Error("NotImplemented", { fields: { Header: "x-amz-server-side-encryption" } });
  }
  const customMetadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(META_PREFIX) && value !== undefined) {
      customMetadata[name.slice(META_PREFIX.length)] = fromHeader(String(value));
    }
  }
  const expires = headers.expires === undefined ? Number.NaN : Date.parse(headers.expires);
  const storageClass = STORAGE_CLASSES[String(headers["x-amz-storage-class"] ?? "STANDARD")];
  if (storageClass === undefined) throw new S3Error("InvalidStorageClass");
  const encoding = contentEncodingOf(headers["content-encoding"]);
  const texts = {
    contentType: headers["content-type"],
    contentLanguage: headers["content-language"],
    contentDisposition: headers["content-disposition"],
    contentEncoding: encoding,
    cacheControl: headers["cache-control"],
  };
  return {
    httpMetadata: {
      ...Object.fromEntries(
        Object.entries(texts).flatMap(([name, value]) =>
          value === undefined || value === "" ? [] : [[name, fromHeader(String(value))]],
        ),
      ),
      ...(Number.isNaN(expires) ? {} : { cacheExpiry: expires }),
    },
    customMetadata,
    storageClass,
    isPublic: isPublicAcl(headers["x-amz-acl"]),
    tags: tagsOfHeader(headers) ?? {},
  };
}

/** Whether a canned ACL lets everybody read. @throws S3Error for those that mean something else */
export function isPublicAcl(acl: string | string[] | undefined): boolean {
  switch (acl) {
    case "public-read":
      return true;
    case undefined:
    case "private":
    case "bucket-owner-read":
    case "bucket-owner-full-control":
      return false;
    default:
      throw new S3Error("AccessControlListNotSupported", {
        message: "Objects are private or public-read; other ACLs are not supported.",
      });
  }
}

/** How the body was sent is not how the object is encoded. */
function contentEncodingOf(header: string | undefined): string | undefined {
  const left = header
    ?.split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "" && part.toLowerCase() !== AWS_CHUNKED);
  return left === undefined || left.length === 0 ? undefined : left.join(",");
}

/** An object's headers as S3 shows them. */
export function objectHeaders(object: ObjectInfo): Record<string, string> {
  const headers = storedHeaders(object);
  for (const [name, value] of Object.entries(object.customMetadata)) {
    // Functions may store names and values that no header can carry.
    if (/^[\w!#$%&'*+.^`|~-]+$/.test(name) && !/[\r\n\0]/.test(value))
      headers[`${META_PREFIX}${name}`] = toHeader(value);
  }
  if (object.httpMetadata.cacheExpiry !== undefined) {
    headers.expires = new Date(object.httpMetadata.cacheExpiry).toUTCString();
  }
  if (object.storageClass === "InfrequentAccess") headers["x-amz-storage-class"] = "STANDARD_IA";
  headers["x-amz-server-side-encryption"] = "AES256";
  // A presigned URL opens in a browser, on the origin of the platform's own pages.
  return { ...headers, ...tagCountHeader(object.tags), ...BROWSER_SAFETY };
}

/** Conditions of a write: `If-None-Match: *`, or the etag of what is replaced. @throws S3Error NotImplemented */
export function writeCondition(headers: IncomingHttpHeaders): ObjectCondition | undefined {
  const ifMatch = headers["if-match"];
  const ifNoneMatch = headers["if-none-match"];
  if (ifMatch === undefined && ifNoneMatch === undefined) return undefined;
  if (ifNoneMatch !== undefined && ifNoneMatch.trim() !== "*") {
    throw new S3Error("NotImplemented", { fields: { Header: "If-None-Match" } });
  }
  return {
    ...(ifMatch === undefined ? {} : { etagMatches: parseEtags(ifMatch) }),
    ...(ifNoneMatch === undefined ? {} : { etagDoesNotMatch: [{ type: "wildcard" as const }] }),
    secondsGranularity: true,
  };
}
