/** Cloudflare's limits of R2: https://developers.cloudflare.com/r2/platform/limits/ */
export const MAX_KEY_BYTES = 1024;
/** Names and values of custom metadata together. */
export const MAX_METADATA_BYTES = 8192;
/** One put: 5 GiB less 5 MiB. */
export const MAX_OBJECT_BYTES = 5 * 1024 ** 3 - 5 * 1024 ** 2;
export const MAX_PART_BYTES = 5 * 1024 ** 3;
/** Of every part but the last. */
export const MIN_PART_BYTES = 5 * 1024 * 1024;
export const MAX_PARTS = 10_000;
export const MAX_LIST_OBJECTS = 1000;
export const MAX_DELETE_KEYS = 1000;

/** The JSON of one page of a list: workerd refuses 1 MiB and more, so a page ends early instead. */
export const MAX_LIST_BYTES = 768 * 1024;
/** The JSON head of a request: 10,000 parts to complete, or 1,000 keys to delete. */
export const MAX_REQUEST_HEAD_BYTES = 8 * 1024 * 1024;
/** R2 gives an upload up that is not completed for a week. */
export const UPLOAD_EXPIRES_AFTER_MS = 7 * 24 * 60 * 60 * 1000;
