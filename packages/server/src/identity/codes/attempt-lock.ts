import { AerostackError } from "@aerostack/contracts";

/** How often somebody guessed wrong: three times within an hour, and an hour passes before the next guess. */
export interface AttemptCounter {
  /** Wrong codes since `window_started_at`. */
  readonly failures: number;
  readonly window_started_at: number;
  readonly locked_until: number;
}

const MINUTE_MS = 60_000;
/** Privacy policy: three attempts in a window, then an hour. */
export const OTP_ATTEMPTS = 3;
export const OTP_WINDOW_MS = 60 * MINUTE_MS;
export const OTP_LOCK_MS = 60 * MINUTE_MS;

export const NO_FAILURES = { failures: 0, window_started_at: 0 } as const;

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

/** The counter after one more wrong code. */
export function afterFailure(
  counter: AttemptCounter,
  nowMs: number,
): { readonly counter: AttemptCounter; readonly isLocked: boolean } {
  const isSameWindow = counter.window_started_at + OTP_WINDOW_MS > nowMs;
  const failures = (isSameWindow ? counter.failures : 0) + 1;
  const isLocked = failures >= OTP_ATTEMPTS;
  return {
    isLocked,
    counter: {
      failures: isLocked ? 0 : failures,
      window_started_at: isSameWindow ? counter.window_started_at : nowMs,
      locked_until: isLocked ? nowMs + OTP_LOCK_MS : counter.locked_until,
    },
  };
}

export function wrongCode(isLocked: boolean): AerostackError {
  if (!isLocked) return new AerostackError("AUTH_OTP_INVALID");
  return new AerostackError("AUTH_OTP_INVALID", {
    message: `The code is wrong, once too often: no code is taken for ${OTP_LOCK_MS / MINUTE_MS} minutes.`,
    fix: "Wait, then ask for a new code.",
  });
}
