/** Cloudflare's limits of Queues: https://developers.cloudflare.com/queues/platform/limits/ */
export const MAX_MESSAGE_BYTES = 128 * 1024;
export const MAX_BATCH_MESSAGES = 100;
export const MAX_BATCH_BYTES = 256 * 1024;
export const MAX_DELAY_SECONDS = 24 * 60 * 60;

/** How long the record of a job that has ended is kept. */
export const JOB_KEPT_MS = 7 * 24 * 60 * 60 * 1000;
/** From its enqueueing on, how long a job keeps its dedupe key from making another one, whatever becomes of it. */
export const DEDUPE_WINDOW_MS = 24 * 60 * 60 * 1000;

/** Messages handed to a consumer at once. */
export const MAX_LEASE_MESSAGES = 100;
export const MAX_LEASE_MS = 60 * 60 * 1000;
/** Messages on one page for people to look at. */
export const MAX_PEEK_MESSAGES = 100;
/** Messages settled in one call. */
export const MAX_SETTLE_MESSAGES = 1000;
