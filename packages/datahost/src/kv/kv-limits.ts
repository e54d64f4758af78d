/** Cloudflare's limits of Workers KV: https://developers.cloudflare.com/kv/platform/limits/ */
export const MAX_KEY_BYTES = 512;
export const MAX_VALUE_BYTES = 25 * 1024 * 1024;
export const MAX_METADATA_BYTES = 1024;
export const MAX_LIST_KEYS = 1000;
export const MAX_BULK_GET_KEYS = 100;
/** Values of one bulk read together. */
export const MAX_BULK_GET_BYTES = 25 * 1024 * 1024;
/** Through a binding; calls of the platform's own API may ask for less. */
export const MIN_EXPIRATION_TTL_SECONDS = 60;
export const MIN_CACHE_TTL_SECONDS = 30;
/** Values that one project may have on their way in at once. */
export const MAX_INCOMING_BYTES_PER_PROJECT = 4 * MAX_VALUE_BYTES;

/** Of the platform's own API. */
export const MAX_PUT_MANY_ENTRIES = 1000;
export const MAX_DELETE_MANY_KEYS = 1000;
