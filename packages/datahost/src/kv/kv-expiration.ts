import { Refusal } from "../state/refusal.ts";
import { MIN_EXPIRATION_TTL_SECONDS } from "./kv-limits.ts";

const INTEGER = /^-?\d{1,15}$/;

function refuse(message: string): never {
  throw new Refusal(400, "VALIDATION_ERROR", message);
}

/**
 * When an entry ends, from a binding's parameters in seconds. Cloudflare's rules: a time to live wins over a point in
 * time, and neither may be less than a minute ahead.
 *
 * @returns milliseconds since the epoch, or null for never. @throws Refusal
 */
export function readExpiration(expiration: string | null, ttl: string | null, nowMs: number): number | null {
  const now = Math.floor(nowMs / 1000);
  if (ttl !== null) {
    const seconds = INTEGER.test(ttl) ? Number(ttl) : Number.NaN;
    if (!(seconds > 0)) refuse(`Invalid expiration_ttl of ${ttl}. Please specify integer greater than 0.`);
    if (seconds < MIN_EXPIRATION_TTL_SECONDS) {
      refuse(`Invalid expiration_ttl of ${ttl}. Expiration TTL must be at least ${MIN_EXPIRATION_TTL_SECONDS}.`);
    }
    return (now + seconds) * 1000;
  }
  if (expiration !== null) {
    const at = INTEGER.test(expiration) ? Number(expiration) : Number.NaN;
    if (!(at > now)) {
      refuse(
        `Invalid expiration of ${expiration}. Please specify integer greater than the current number of seconds since the UNIX epoch.`,
      );
    }
    if (at < now + MIN_EXPIRATION_TTL_SECONDS) {
      refuse(
        `Invalid expiration of ${expiration}. Expiration times must be at least ${MIN_EXPIRATION_TTL_SECONDS} seconds in the future.`,
      );
    }
    return at * 1000;
  }
  return null;
}
