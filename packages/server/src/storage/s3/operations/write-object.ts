import { MAX_OBJECT_BYTES, type ObjectCondition } from "@aerostack/datahost";
import { parseEtags } from "../../reading/conditional-request.ts";
import type { StorageService } from "../../service.ts";
import { attributesOf, writeCondition } from "../object-headers.ts";
import { S3Error } from "../s3-error.ts";
import { answerEmpty, answerXml, checkS3Key, isoOf, type S3ObjectRequest } from "../s3-request.ts";

/** PutObject. */
export async function putObject(request: S3ObjectRequest): Promise<void> {
  const { storage, req, name, key } = request;
  const attributes = attributesOf(req.headers);
  const onlyIf = writeCondition(req.headers);
  const payload = request.payload();
  if (payload.size !== undefined && payload.size > MAX_OBJECT_BYTES) throw new S3Error("EntityTooLarge");
  const { size, md5, attested } = payload;
  const object = await storage
    .put(name, key, payload.content, {
      attributes,
      size,
      onlyIf,
      attested,
      ...(md5 === undefined ? {} : { checksums: { md5 } }),
    })
    .catch((error: unknown) => explainCondition(request, onlyIf, error));
  answerEmpty(request, 200, {
    etag: `"${object.etag}"`,
    "x-amz-server-side-encryption": "AES256",
    ...payload.shownChecksums(),
  });
}

/** A condition on an object that is not there is not "failed" but "not found". */
export async function explainCondition(
  { storage, name, key }: Pick<S3ObjectRequest, "storage" | "name" | "key">,
  onlyIf: ObjectCondition | undefined,
  error: unknown,
): Promise<never> {
  const isMissing = onlyIf?.etagMatches !== undefined && (await storage.head(name, key)) === null;
  throw isMissing ? new S3Error("NoSuchKey", { fields: { Key: key } }) : error;
}

/** What a copy is made of. */
export interface CopySource {
  readonly bucket: string;
  readonly key: string;
  readonly sourceIf: ObjectCondition | undefined;
}

/** Reads `x-amz-copy-source` and its conditions. @throws S3Error */
export async function copySourceOf(request: S3ObjectRequest): Promise<CopySource> {
  const { storage, req, caller } = request;
  const header = String(req.headers["x-amz-copy-source"] ?? "");
  let path: string;
  let version: string | undefined;
  try {
    const [before = "", after] = header.split("?versionId=");
    path = decodeURIComponent(before).replace(/^\//, "");
    version = after;
  } catch (cause) {
    throw new S3Error("InvalidArgument", { message: "Copy Source must be percent-encoded UTF-8.", cause });
  }
  const slash = path.indexOf("/");
  if (slash < 1) {
    throw new S3Error("InvalidArgument", {
      message: "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
      fields: { ArgumentName: "x-amz-copy-source", ArgumentValue: header },
    });
  }
  if (version !== undefined && version !== "null") throw new S3Error("NoSuchVersion");
  const bucket = path.slice(0, slash);
  await requireBucket(storage, { projectId: caller.projectId, bucket });
  return { bucket, key: checkS3Key(path.slice(slash + 1)), sourceIf: sourceCondition(request) };
}

function sourceCondition({ req: { headers } }: S3ObjectRequest): ObjectCondition | undefined {
  const text = (name: string): string | undefined => {
    const value = headers[`x-amz-copy-source-if-${name}`];
    return value === undefined ? undefined : String(value);
  };
  const time = (name: string, shiftMs: number): number | undefined => {
    const ms = Date.parse(text(name) ?? "");
    return Number.isNaN(ms) ? undefined : ms + shiftMs;
  };
  const condition = {
    etagMatches: text("match") === undefined ? undefined : parseEtags(text("match") ?? ""),
    etagDoesNotMatch: text("none-match") === undefined ? undefined : parseEtags(text("none-match") ?? ""),
    // "Not since" includes the very second.
    uploadedBefore: time("unmodified-since", 1000),
    uploadedAfter: time("modified-since", 0),
  };
  const isEmpty = Object.values(condition).every((one) => one === undefined);
  return isEmpty ? undefined : { ...condition, secondsGranularity: true };
}

/** CopyObject: no byte is moved. */
export async function copyObject(request: S3ObjectRequest): Promise<void> {
  const { storage, req, name, key } = request;
  const { bucket, key: sourceKey, sourceIf } = await copySourceOf(request);
  const directive = String(req.headers["x-amz-metadata-directive"] ?? "COPY").toUpperCase();
  if (directive !== "COPY" && directive !== "REPLACE") {
    throw new S3Error("InvalidArgument", { message: "Unknown metadata directive." });
  }
  const tagging = String(req.headers["x-amz-tagging-directive"] ?? "COPY").toUpperCase();
  if (tagging !== "COPY" && tagging !== "REPLACE") {
    throw new S3Error("InvalidArgument", { message: "Unknown tagging directive." });
  }
  const { tags, ...given } = attributesOf(req.headers);
  const isSame = bucket === name.bucket && sourceKey === key;
  const changes =
    directive === "REPLACE" ||
    req.headers["x-amz-storage-class"] !== undefined ||
    req.headers["x-amz-acl"] !== undefined;
  if (isSame && !changes) {
    throw new S3Error("InvalidRequest", {
      message:
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    });
  }
  const { storageClass, isPublic } = given;
  const attributes = {
    ...(directive === "REPLACE" ? given : { storageClass, isPublic }),
    ...(tagging === "REPLACE" ? { tags } : {}),
  };
  const onlyIf = writeCondition(req.headers);
  const object = await storage.copy(
    { projectId: name.projectId, bucket, key: sourceKey },
    { bucket: name.bucket, key },
    {
      attributes,
      sourceIf,
      onlyIf,
    },
  );
  answerXml(
    request,
    "CopyObjectResult",
    { LastModified: isoOf(object.uploadedAt), ETag: `"${object.etag}"` },
    { "x-amz-server-side-encryption": "AES256" },
  );
}

/** DeleteObject: done whether or not there is one; with `If-Match` only where it is still the one that was seen. */
export async function deleteObject(request: S3ObjectRequest): Promise<void> {
  const { storage, req, name, key } = request;
  const ifMatch = req.headers["if-match"];
  await storage.delete(name, [key], ifMatch === undefined ? undefined : writeCondition({ "if-match": ifMatch }));
  answerEmpty(request, 204);
}

/** @throws S3Error NoSuchBucket */
export async function requireBucket(
  storage: StorageService,
  name: { readonly projectId: string; readonly bucket: string },
): Promise<void> {
  const isName = /^[a-z0-9][a-z0-9_-]{0,79}$/.test(name.bucket);
  if (!isName || !(await storage.buckets.has(name))) {
    throw new S3Error("NoSuchBucket", { fields: { BucketName: name.bucket } });
  }
}
