import type { BlobHash } from "@aerostack/kernel";
import type { EtagMatch, ObjectCondition } from "./object-condition.ts";
import { type HttpMetadata, type ObjectAttributes, type ObjectTags, STORAGE_CLASSES } from "./object-info.ts";
import type { RangeRequest } from "./object-range.ts";
import { R2Refusal } from "./r2-refusal.ts";

/** What workerd's R2 binding asks for: the JSON that goes ahead of a body, or stands in the cf-r2-request header. */
export type R2Request =
  | { readonly method: "head"; readonly object: string }
  | {
      readonly method: "get";
      readonly object: string;
      readonly range: RangeRequest | undefined;
      readonly onlyIf: ObjectCondition | undefined;
    }
  | {
      readonly method: "put";
      readonly object: string;
      readonly attributes: ObjectAttributes;
      readonly onlyIf: ObjectCondition | undefined;
      /** Hex. */
      readonly checksums: Readonly<Partial<Record<BlobHash, string>>>;
    }
  | R2ListRequest
  | { readonly method: "delete"; readonly keys: readonly string[] }
  | { readonly method: "createMultipartUpload"; readonly object: string; readonly attributes: ObjectAttributes }
  | { readonly method: "uploadPart"; readonly object: string; readonly uploadId: string; readonly partNumber: number }
  | {
      readonly method: "completeMultipartUpload";
      readonly object: string;
      readonly uploadId: string;
      readonly parts: readonly { readonly etag: string; readonly part: number }[];
    }
  /** The server's own: functions have no resumable uploads. */
  | {
      readonly method: "appendUpload";
      readonly uploadId: string;
      readonly offset: number;
      readonly checksums: Readonly<Partial<Record<BlobHash, string>>>;
    }
  | { readonly method: "abortMultipartUpload"; readonly object: string; readonly uploadId: string };

export interface R2ListRequest {
  readonly method: "list";
  readonly limit: number | undefined;
  readonly prefix: string | undefined;
  readonly cursor: string | undefined;
  readonly delimiter: string | undefined;
  readonly startAfter: string | undefined;
  readonly includeHttpMetadata: boolean;
  readonly includeCustomMetadata: boolean;
}

const INCLUDE_HTTP = 0;
const INCLUDE_CUSTOM = 1;

type Fields = Readonly<Record<string, unknown>>;

/** @throws R2Refusal invalidArgument */
export function parseR2Request(json: string): R2Request {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    return refuse();
  }
  const fields = fieldsOf(parsed);
  const method = textOf(fields.method);
  // Keys of the customer's own would have to be asked for on every read; every object is sealed at rest anyhow.
  if (fields.ssec !== undefined) refuse("Server-side encryption with customer-provided keys is not supported.");
  switch (method) {
    case "head":
      return { method, object: textOf(fields.object) };
    case "get":
      return {
        method,
        object: textOf(fields.object),
        range: rangeOf(fields),
        onlyIf: optional(fields.onlyIf, conditionOf),
      };
    case "put":
      return {
        method,
        object: textOf(fields.object),
        attributes: attributesOf(fields),
        onlyIf: optional(fields.onlyIf, conditionOf),
        checksums: checksumsOf(fields),
      };
    case "list":
      return listOf(fields);
    case "delete":
      return {
        method,
        keys: fields.objects === undefined ? [textOf(fields.object)] : listOfText(fields.objects),
      };
    case "createMultipartUpload":
      return { method, object: textOf(fields.object), attributes: attributesOf(fields) };
    case "uploadPart":
      return {
        method,
        object: textOf(fields.object),
        uploadId: textOf(fields.uploadId),
        partNumber: integerOf(fields.partNumber),
      };
    case "appendUpload":
      return {
        method,
        uploadId: textOf(fields.uploadId),
        offset: integerOf(fields.offset),
        checksums: checksumsOf(fields),
      };
    case "completeMultipartUpload":
      return {
        method,
        object: textOf(fields.object),
        uploadId: textOf(fields.uploadId),
        parts: arrayOf(fields.parts ?? []).map((part) => {
          const { etag, part: number } = fieldsOf(part);
          return { etag: textOf(etag), part: integerOf(number) };
        }),
      };
    case "abortMultipartUpload":
      return { method, object: textOf(fields.object), uploadId: textOf(fields.uploadId) };
    default:
      return refuse();
  }
}

function listOf(fields: Fields): R2ListRequest {
  const include = arrayOf(fields.include ?? []);
  return {
    method: "list",
    limit: optional(fields.limit, integerOf),
    prefix: optional(fields.prefix, textOf),
    cursor: optional(fields.cursor, textOf),
    delimiter: optional(fields.delimiter, textOf),
    startAfter: optional(fields.startAfter, textOf),
    includeHttpMetadata: include.includes(INCLUDE_HTTP),
    includeCustomMetadata: include.includes(INCLUDE_CUSTOM),
  };
}

function rangeOf(fields: Fields): RangeRequest | undefined {
  const header = optional(fields.rangeHeader, textOf);
  if (header !== undefined) return { header };
  return optional(fields.range, (value) => {
    const range = fieldsOf(value);
    return {
      offset: optional(range.offset, integerOf),
      length: optional(range.length, integerOf),
      suffix: optional(range.suffix, integerOf),
    };
  });
}

function conditionOf(value: unknown): ObjectCondition {
  const condition = fieldsOf(value);
  return {
    etagMatches: optional(condition.etagMatches, etagsOf),
    etagDoesNotMatch: optional(condition.etagDoesNotMatch, etagsOf),
    uploadedBefore: optional(condition.uploadedBefore, integerOf),
    uploadedAfter: optional(condition.uploadedAfter, integerOf),
    secondsGranularity: condition.secondsGranularity === true,
  };
}

function etagsOf(value: unknown): EtagMatch[] {
  return arrayOf(value).map((entry) => {
    const { type, value: etag } = fieldsOf(entry);
    if (type === "wildcard") return { type };
    if (type === "strong" || type === "weak") return { type, value: textOf(etag) };
    return refuse();
  });
}

function attributesOf(fields: Fields): ObjectAttributes {
  const custom = arrayOf(fields.customFields ?? []).map((entry) => {
    const { k, v } = fieldsOf(entry);
    return [textOf(k), textOf(v ?? "")] as const;
  });
  const storageClass = fields.storageClass ?? STORAGE_CLASSES[0];
  const known = STORAGE_CLASSES.find((name) => name === storageClass);
  return {
    customMetadata: Object.fromEntries(custom),
    httpMetadata: optional(fields.httpFields, httpMetadataOf) ?? {},
    storageClass: known ?? refuse("The storage class you specified is not valid."),
    // Workers have no such fields: what they store is private and has no tags.
    isPublic: fields.isPublic === true,
    tags: optional(fields.tags, tagsOf) ?? {},
  };
}

function tagsOf(value: unknown): ObjectTags {
  return Object.fromEntries(Object.entries(fieldsOf(value)).map(([name, tag]) => [name, textOf(tag)]));
}

const HTTP_TEXT_FIELDS = [
  "contentType",
  "contentLanguage",
  "contentDisposition",
  "contentEncoding",
  "cacheControl",
] as const;

function httpMetadataOf(value: unknown): HttpMetadata {
  const fields = fieldsOf(value);
  const texts = HTTP_TEXT_FIELDS.filter((name) => fields[name] !== undefined).map((name) => [
    name,
    textOf(fields[name]),
  ]);
  const cacheExpiry = optional(fields.cacheExpiry, integerOf);
  return { ...Object.fromEntries(texts), ...(cacheExpiry === undefined ? {} : { cacheExpiry }) };
}

const HASH_BYTES: Readonly<Record<BlobHash, number>> = { md5: 16, sha1: 20, sha256: 32, sha384: 48, sha512: 64 };

function checksumsOf(fields: Fields): Partial<Record<BlobHash, string>> {
  const checksums: Partial<Record<BlobHash, string>> = {};
  for (const [name, bytes] of Object.entries(HASH_BYTES) as [BlobHash, number][]) {
    if (fields[name] === undefined) continue;
    // md5 travels in base64, the others in hex.
    const hash = Buffer.from(textOf(fields[name]), name === "md5" ? "base64" : "hex");
    if (hash.length !== bytes) refuse();
    checksums[name] = hash.toString("hex");
  }
  return checksums;
}

function refuse(message?: string): never {
  throw new R2Refusal("invalidArgument", message === undefined ? {} : { message });
}

function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined || value === null ? undefined : read(value);
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : refuse();
}

function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : refuse();
}

function listOfText(value: unknown): string[] {
  return arrayOf(value).map(textOf);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : refuse();
}

/** Cap'n Proto's JSON writes 64-bit integers as text. */
function integerOf(value: unknown): number {
  const number = typeof value === "string" && /^-?\d{1,16}$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) ? number : refuse();
}
