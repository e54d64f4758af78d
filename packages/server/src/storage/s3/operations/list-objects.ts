import { MAX_LIST_OBJECTS, type ObjectInfo } from "@aerostack/datahost";
import { uriEncodePath } from "@aerostack/kernel";
import { S3Error } from "../s3-error.ts";
import { answerXml, integerOf, isoOf, ownerOf, type S3BucketRequest } from "../s3-request.ts";
import type { XmlElements } from "../xml/write-xml.ts";

/** Sorts after every key that begins with what stands before it. */
const AFTER_PREFIX = "\u{10ffff}";
const MAX_INTEGER = 2_147_483_647;

interface Listing {
  readonly entries: readonly ObjectInfo[];
  readonly prefixes: readonly string[];
  readonly cursor: string | null;
  readonly prefix: string;
  readonly delimiter: string | undefined;
  readonly maxKeys: number;
  readonly encode: (text: string) => string;
  readonly encodingType: string | undefined;
}

async function list(request: S3BucketRequest, after: string | undefined, cursor: string | undefined): Promise<Listing> {
  const { storage, query, name } = request;
  const encodingType = query.get("encoding-type");
  if (encodingType !== undefined && encodingType !== "url") {
    throw new S3Error("InvalidArgument", { message: "Invalid Encoding Method specified in Request" });
  }
  const encode = (text: string) => (encodingType === "url" ? uriEncodePath(text) : text);
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") || undefined;
  const asked = integerOf(query, "max-keys", { min: 0, max: MAX_INTEGER }) ?? MAX_LIST_OBJECTS;
  const maxKeys = Math.min(asked, MAX_LIST_OBJECTS);
  const facts = {
    prefix,
    delimiter,
    maxKeys,
    encode,
    encodingType,
  };
  if (maxKeys === 0) return { ...facts, entries: [], prefixes: [], cursor: null };
  // A prefix that was told is not told again by the keys behind it.
  const isGroup =
    after !== undefined && delimiter !== undefined && after.endsWith(delimiter) && after.length > prefix.length;
  const startAfter = isGroup ? `${after}${AFTER_PREFIX}` : after;
  const page = await storage.list(name, { prefix, delimiter, startAfter, cursor, limit: maxKeys });
  return { ...facts, entries: page.objects, prefixes: page.delimitedPrefixes, cursor: page.cursor };
}

function showEntry(object: ObjectInfo, encode: (text: string) => string): XmlElements {
  return {
    Key: encode(object.key),
    LastModified: isoOf(object.uploadedAt),
    ETag: `"${object.etag}"`,
    Size: object.size,
    StorageClass: object.storageClass === "Standard" ? "STANDARD" : "STANDARD_IA",
  };
}

function commonFields(
  { prefix, delimiter, maxKeys, encode, encodingType, cursor }: Listing,
  bucket: string,
): XmlElements {
  return {
    Name: bucket,
    Prefix: encode(prefix),
    Delimiter: delimiter === undefined ? undefined : encode(delimiter),
    MaxKeys: maxKeys,
    EncodingType: encodingType,
    IsTruncated: cursor !== null,
  };
}

/** ListObjectsV2. */
export async function listObjectsV2(request: S3BucketRequest): Promise<void> {
  const { query, name, caller } = request;
  const token = query.get("continuation-token");
  if (token === "") throw new S3Error("InvalidArgument", { message: "The continuation token provided is incorrect" });
  const startAfter = query.get("start-after");
  const listing = await list(request, startAfter, token);
  const owner = query.get("fetch-owner") === "true" ? { Owner: ownerOf(caller) } : {};
  answerXml(request, "ListBucketResult", {
    ...commonFields(listing, name.bucket),
    ContinuationToken: token,
    NextContinuationToken: listing.cursor ?? undefined,
    StartAfter: startAfter === undefined ? undefined : listing.encode(startAfter),
    KeyCount: listing.entries.length + listing.prefixes.length,
    Contents: listing.entries.map((object) => ({ ...showEntry(object, listing.encode), ...owner })),
    CommonPrefixes: listing.prefixes.map((prefix) => ({ Prefix: listing.encode(prefix) })),
  });
}

/** The last key or prefix of a page, in the order of their bytes. */
function lastOf({ entries, prefixes }: Listing): string | undefined {
  const last = [entries.at(-1)?.key, prefixes.at(-1)].filter((one) => one !== undefined);
  return last.sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other))).at(-1);
}

/** ListObjects, which newer clients do not use any more. */
export async function listObjectsV1(request: S3BucketRequest): Promise<void> {
  const { query, name, caller } = request;
  const marker = query.get("marker") ?? "";
  const listing = await list(request, marker === "" ? undefined : marker, undefined);
  const next = listing.cursor === null ? undefined : lastOf(listing);
  answerXml(request, "ListBucketResult", {
    ...commonFields(listing, name.bucket),
    Marker: listing.encode(marker),
    NextMarker: next === undefined ? undefined : listing.encode(next),
    Contents: listing.entries.map((object) => ({ ...showEntry(object, listing.encode), Owner: ownerOf(caller) })),
    CommonPrefixes: listing.prefixes.map((prefix) => ({ Prefix: listing.encode(prefix) })),
  });
}

/** ListObjectVersions: each object has the one version that is there. */
export async function listVersions(request: S3BucketRequest): Promise<void> {
  const { query, name, caller } = request;
  const marker = query.get("key-marker") ?? "";
  const listing = await list(request, marker === "" ? undefined : marker, undefined);
  const next = listing.cursor === null ? undefined : lastOf(listing);
  answerXml(request, "ListVersionsResult", {
    ...commonFields(listing, name.bucket),
    KeyMarker: listing.encode(marker),
    VersionIdMarker: "",
    NextKeyMarker: next === undefined ? undefined : listing.encode(next),
    NextVersionIdMarker: next === undefined ? undefined : "null",
    Version: listing.entries.map((object) => ({
      VersionId: "null",
      IsLatest: true,
      ...showEntry(object, listing.encode),
      Owner: ownerOf(caller),
    })),
    CommonPrefixes: listing.prefixes.map((prefix) => ({ Prefix: listing.encode(prefix) })),
  });
}
