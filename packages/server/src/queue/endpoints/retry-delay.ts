import { type Backoff, backoffSeconds } from "../backoff.ts";

const BACKOFF: Backoff = { firstSeconds: 5, maxSeconds: 6 * 60 * 60 };
/** What a receiver may ask for itself. */
const MAX_ASKED_SECONDS = 24 * 60 * 60;
/** Of any of the three forms of RFC 9110, section 5.6.7; each begins with a day. */
const HTTP_DATE = /^[A-Z][a-z]{2,8},? /;

export interface FailedAttempt {
  /** Deliveries, the failed one included. */
  readonly attempts: number;
  /** What the receiver said in `Retry-After`. */
  readonly retryAfterSeconds: number | null;
  /** In [0, 1). */
  readonly random: number;
}

/** Whole seconds until a delivery is tried again. */
export function retryDelaySeconds({ attempts, retryAfterSeconds, random }: FailedAttempt): number {
  const delay = backoffSeconds(BACKOFF, attempts, random);
  return retryAfterSeconds === null ? delay : Math.min(Math.max(delay, retryAfterSeconds), MAX_ASKED_SECONDS);
}

/** `Retry-After` as seconds or as a date (RFC 9110, section 10.2.3); null when it says nothing that can be read. */
export function readRetryAfter(header: string | null, nowMs: number): number | null {
  if (header === null) return null;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header);
  const date = HTTP_DATE.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(date) ? null : Math.max(0, Math.ceil((date - nowMs) / 1000));
}
