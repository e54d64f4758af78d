import { S3Error } from "../s3-error.ts";
import { answerEmpty, S3_REGION, type S3BucketRequest, type S3ObjectRequest } from "../s3-request.ts";
import { BUCKET_SETTINGS, bucketSetting, createBucket, deleteBucket, deleteObjects } from "./buckets.ts";
import { completeUpload } from "./complete-upload.ts";
import { listObjectsV1, listObjectsV2, listVersions } from "./list-objects.ts";
import { listParts, listUploads } from "./list-uploads.ts";
import { abortUpload, copyPart, createUpload, uploadPart } from "./multipart.ts";
import { readAttributes } from "./object-attributes.ts";
import { OBJECT_SETTINGS, objectSetting } from "./object-settings.ts";
import { readObject, requireNullVersion } from "./read-object.ts";
import { copyObject, deleteObject, putObject } from "./write-object.ts";

/** The operation of a request about a bucket: its method, and what its query names. */
export async function routeBucket(request: S3BucketRequest, isCreation: boolean): Promise<void> {
  const { req, query } = request;
  if (isCreation) return await createBucket(request);
  const setting = query.pairs.map(([name]) => name).find((name) => BUCKET_SETTINGS.has(name));
  if (setting !== undefined) return await bucketSetting(request, setting);
  switch (req.method) {
    case "HEAD":
      return answerEmpty(request, 200, { "x-amz-bucket-region": S3_REGION });
    case "GET":
      if (query.has("uploads")) return await listUploads(request);
      if (query.has("versions")) return await listVersions(request);
      return query.get("list-type") === "2" ? await listObjectsV2(request) : await listObjectsV1(request);
    case "DELETE":
      return await deleteBucket(request);
    case "POST":
      if (query.has("delete")) return await deleteObjects(request);
      throw new S3Error("NotImplemented");
    default:
      throw new S3Error("MethodNotAllowed");
  }
}

/** @param path as it was asked for, which S3 tells as the place of what was put together */
export async function routeObject(request: S3ObjectRequest, path: string): Promise<void> {
  const { req, query } = request;
  const setting = query.pairs.map(([name]) => name).find((name) => OBJECT_SETTINGS.has(name));
  if (setting !== undefined) return await objectSetting(request, setting);
  const isUpload = query.has("uploadId");
  const isCopy = req.headers["x-amz-copy-source"] !== undefined;
  switch (req.method) {
    case "GET":
      if (isUpload) return await listParts(request);
      if (query.has("attributes")) return await readAttributes(request);
      return await readObject(request);
    case "HEAD":
      return await readObject(request);
    case "PUT":
      if (isUpload) return isCopy ? await copyPart(request) : await uploadPart(request);
      return isCopy ? await copyObject(request) : await putObject(request);
    case "POST":
      if (query.has("uploads")) return await createUpload(request);
      if (isUpload) return await completeUpload(request, `http://${req.headers.host ?? ""}${encodeURI(path)}`);
      throw new S3Error("NotImplemented");
    case "DELETE":
      if (isUpload) return await abortUpload(request);
      requireNullVersion(request);
      return await deleteObject(request);
    default:
      throw new S3Error("MethodNotAllowed");
  }
}
