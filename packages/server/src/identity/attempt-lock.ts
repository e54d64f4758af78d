import { AerostackError } from "@aerostack/contracts";
import { sql as raw } from "kysely";

/** How often somebody guessed: three times within an hour, and an hour passes before the next guess. */
export interface AttemptCounter {
  /** Attempts since `window_started_at` that were not right. */
  failures: number;
  window_started_at: number;
  locked_until: number;
}

const MINUTE_MS = 60_000;
/** Privacy policy: three attempts in a window, then an hour. */
export const OTP_ATTEMPTS = 3;
export const OTP_WINDOW_MS = 60 * MINUTE_MS;
export const OTP_LOCK_MS = 60 * MINUTE_MS;

/** Nobody has guessed. */
export const NO_ATTEMPTS: AttemptCounter = { failures: 0, window_started_at: 0, locked_until: 0 };

/**
 * Columns that count one more attempt, in one statement and before it is known whether the attempt is right: of however
 * many that come at once, to however many servers, no more than three get past `where locked_until <= now`. Whoever is
 * right sets `NO_ATTEMPTS`. The counter lies in the database, so that neither a restart nor another server forgets it.
 */
export function oneMoreAttempt(nowMs: number) {
  const windowStart = nowMs - OTP_WINDOW_MS;
  const isLast = raw`window_started_at > ${windowStart} and failures >= ${OTP_ATTEMPTS - 1}`;
  return {
    failures: raw<number>`case when ${isLast} then 0 when window_started_at > ${windowStart} then failures + 1 else 1 end`,
    window_started_at: raw<number>`case when window_started_at > ${windowStart} then window_started_at else ${nowMs} end`,
    locked_until: raw<number>`case when ${isLast} then ${nowMs + OTP_LOCK_MS} else locked_until end`,
  };
}

/** @throws RATE_LIMIT_EXCEEDED while it is locked */
export function refuseLocked(counter: AttemptCounter | undefined, nowMs: number): void {
  if (counter === undefined || counter.locked_until <= nowMs) return;
  const leftMs = counter.locked_until - nowMs;
  throw new AerostackError("RATE_LIMIT_EXCEEDED", {
    message: `After ${OTP_ATTEMPTS} wrong codes no code is sent or taken for ${OTP_LOCK_MS / MINUTE_MS} minutes.`,
    fix: `Wait ${Math.ceil(leftMs / MINUTE_MS)} minutes, or log in another way.`,
    retryAfterSeconds: Math.ceil(leftMs / 1_000),
  });
}

export function wrongCode(isLocked: boolean): AerostackError {
  if (!isLocked) return new AerostackError("AUTH_OTP_INVALID");
  return new AerostackError("AUTH_OTP_INVALID", {
    message: `The code is wrong, once too often: no code is taken for ${OTP_LOCK_MS / MINUTE_MS} minutes.`,
    fix: "Wait, then ask for a new code.",
  });
}
