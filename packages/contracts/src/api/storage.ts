import { z } from "zod";
import { resourceNameSchema } from "../deploy-config.ts";
import { displayNameSchema, nextCursorSchema, timestampSchema } from "./common.ts";
import { bucketParamsSchema, listKeysQuerySchema } from "./data.ts";
import { projectParamsSchema } from "./projects.ts";

/** Of one upload by form; what is larger is uploaded in pieces. */
export const MAX_FORM_UPLOAD_BYTES = 100 * 1024 * 1024;
export const MAX_STORAGE_LIST = 1000;
export const MAX_SIGNED_URL_SECONDS = 7 * 24 * 60 * 60;
export const DEFAULT_SIGNED_URL_SECONDS = 60 * 60;

/** Checked further where it is used: `STORAGE_KEY_INVALID` says what is wrong with it. */
const keySchema = z.string().min(1).max(4096);
const bytesSchema = z.int().min(0);

/** `POST /v1/storage/*`: the shapes that existing clients send and read. */
export const storageKeyRequestSchema = z.object({ key: keySchema });
export const storageUrlResponseSchema = z.object({ url: z.string() });
export const storageGetUrlRequestSchema = z.object({
  key: keySchema,
  expiresIn: z
    .int()
    .min(1)
    .max(MAX_SIGNED_URL_SECONDS)
    .default(DEFAULT_SIGNED_URL_SECONDS)
    .describe("Seconds that the URL of a private object works"),
});
export const storageSignUrlRequestSchema = storageGetUrlRequestSchema.extend({
  method: z.enum(["GET", "PUT"]).default("GET"),
  contentType: z.string().max(255).optional().describe("For PUT: the only content type that is taken"),
  maxBytes: bytesSchema.optional().describe("For PUT: the most bytes that are taken"),
  public: z.boolean().default(false).describe("For PUT: whether anybody may read the object"),
});
export const storageSignUrlResponseSchema = z.object({
  url: z.string(),
  method: z.enum(["GET", "PUT"]),
  expiresAt: timestampSchema,
});
export const storageListRequestSchema = z.object({
  prefix: z.string().max(4096).optional(),
  limit: z.int().min(1).max(MAX_STORAGE_LIST).default(100),
  cursor: z.string().max(8192).optional(),
});
export const storageObjectSchema = z.object({
  key: z.string(),
  size: bytesSchema,
  lastModified: timestampSchema,
  uploaded: timestampSchema.describe("The same as lastModified"),
  contentType: z.string(),
  etag: z.string(),
  public: z.boolean(),
});
export const storageListResponseSchema = z.object({
  objects: z.array(storageObjectSchema),
  truncated: z.boolean(),
  list_complete: z.boolean().describe("The opposite of truncated"),
  cursor: z.string().optional(),
});
export const storageSuccessSchema = z.object({ success: z.literal(true) });
export const storageExistsResponseSchema = z.object({ exists: z.boolean() });
export const storageMetadataResponseSchema = z.union([
  z.object({
    exists: z.literal(true),
    size: bytesSchema,
    contentType: z.string(),
    lastModified: timestampSchema,
    etag: z.string(),
    public: z.boolean(),
    metadata: z.record(z.string(), z.string()),
  }),
  z.object({ exists: z.literal(false) }),
]);
export const storageCopyRequestSchema = z.object({ sourceKey: keySchema, destKey: keySchema });
export const storageCopyResponseSchema = z.object({ success: z.literal(true), url: z.string() });
export const storageUpdateRequestSchema = z.object({
  key: keySchema,
  public: z.boolean().optional(),
  contentType: z.string().min(1).max(255).optional(),
  cacheControl: z.string().max(255).optional(),
  metadata: z.record(z.string().min(1).max(256), z.string().max(2048)).optional().describe("Takes the place of all"),
});
export const storageStoredResponseSchema = z.object({
  url: z.string(),
  key: z.string(),
  size: bytesSchema,
  etag: z.string(),
});

/** `POST /api/v1/projects/:project/storage/upload`, for end users. */
export const endUserUploadResponseSchema = z.object({
  url: z.string(),
  key: z.string(),
  size: bytesSchema,
  contentType: z.string(),
  createdAt: timestampSchema,
});

const daysSchema = z.int().min(1).max(36_500);
export const lifecycleRuleSchema = z.object({
  id: z.string().regex(/^[\w.-]{1,255}$/),
  isEnabled: z.boolean().default(true),
  prefix: z.string().max(1024).default(""),
  expireAfterDays: daysSchema.optional().describe("Objects are deleted so long after they were stored"),
  abortUploadsAfterDays: daysSchema.optional().describe("Uploads that were not completed are given up"),
});
export const lifecycleSchema = z.object({ rules: z.array(lifecycleRuleSchema).max(100) });
export const listBucketsResponseSchema = z.object({
  buckets: z.array(z.object({ name: z.string(), createdAt: timestampSchema.nullable() })),
  nextCursor: nextCursorSchema,
});
export const createBucketRequestSchema = z.object({ name: resourceNameSchema });
export const bucketSchema = z.object({ name: z.string() });
export const listStorageObjectsQuerySchema = listKeysQuerySchema;
export const storageBucketParamsSchema = bucketParamsSchema;

/** Keys for clients that speak S3's protocol. */
export const s3KeyParamsSchema = projectParamsSchema.extend({ key: z.string().min(1).max(100) });
export const s3AccessSchema = z.enum(["read-write", "read-only"]);
export const createS3KeyRequestSchema = z.object({
  name: displayNameSchema(1),
  access: s3AccessSchema.default("read-write"),
});
export const s3KeySchema = z.object({
  accessKeyId: z.string(),
  name: z.string(),
  access: s3AccessSchema,
  createdAt: timestampSchema,
  revokedAt: timestampSchema.nullable(),
});
export const createS3KeyResponseSchema = z.object({
  key: s3KeySchema,
  secretAccessKey: z.string().describe("Shown in this answer and never again"),
  endpoint: z.string(),
  region: z.string(),
});
export const listS3KeysResponseSchema = z.object({ keys: z.array(s3KeySchema), nextCursor: nextCursorSchema });
