export { type ChangedRow, type ChangeOperation, type RowChange, readChangeSet } from "./changes/change-set.ts";
export type { ChangesEvent } from "./changes/database-changes.ts";
export { type DataHost, type DataHostLogger, type DataHostOptions, startDataHost } from "./client.ts";
export { d1BindingModulePath } from "./d1/d1-binding-module-path.ts";
export { type HeldKey, LEASE_MS } from "./kv/kv-leases.ts";
export { type ConcatRequest, PARTIAL } from "./objects/concat-store.ts";
export { type BlobSlice, openSlices } from "./objects/covering-parts.ts";
export { type LifecycleRule, MAX_LIFECYCLE_DAYS, MAX_LIFECYCLE_RULES } from "./objects/lifecycle-rule.ts";
export type { CompleteOptions, UploadPart } from "./objects/multipart-store.ts";
export { createObjectClient, type ObjectClient, type ObjectScope } from "./objects/object-client.ts";
export { type EtagMatch, meetsCondition, type ObjectCondition } from "./objects/object-condition.ts";
export type {
  CompositeChecksum,
  HttpMetadata,
  ObjectAttributes,
  ObjectHash,
  ObjectInfo,
  ObjectRange,
  ObjectTags,
  UploadChecksum,
} from "./objects/object-info.ts";
export {
  MAX_KEY_BYTES,
  MAX_LIST_OBJECTS,
  MAX_METADATA_BYTES,
  MAX_OBJECT_BYTES,
  MAX_PART_BYTES,
  MAX_PARTS,
  MIN_PART_BYTES,
  UPLOAD_EXPIRES_AFTER_MS,
} from "./objects/object-limits.ts";
export type { LocatedObject, ReadRequest } from "./objects/objects.ts";
export type { ObjectParts } from "./objects/objects-rpc.ts";
export { createProjectBlobs } from "./objects/project-blobs.ts";
export type { NewUploadOptions, UploadInfo } from "./objects/upload-rows.ts";
export type { StoredJob } from "./queue/job-store.ts";
export { splitStatements } from "./sql/split-statements.ts";
