import type { LimitPolicy } from "../kernel/limiter/limiter.ts";

const MINUTE_MS = 60_000;

/** How often somebody may try, counted exactly over all servers. */
export const END_USER_LIMITS = {
  loginPerAddress: { limit: 10, windowMs: MINUTE_MS },
  loginPerEmail: { limit: 5, windowMs: 15 * MINUTE_MS },
  registerPerAddress: { limit: 5, windowMs: MINUTE_MS },
  otpSendPerTarget: { limit: 3, windowMs: 5 * MINUTE_MS },
  otpVerifyPerTarget: { limit: 3, windowMs: 5 * MINUTE_MS },
  resetPerEmail: { limit: 3, windowMs: 15 * MINUTE_MS },
  resendPerEmail: { limit: 3, windowMs: MINUTE_MS },
  currentPasswordPerUser: { limit: 5, windowMs: 15 * MINUTE_MS },
  changeEmailPerUser: { limit: 3, windowMs: 15 * MINUTE_MS },
  magicLinkPerEmail: { limit: 3, windowMs: 5 * MINUTE_MS },
} as const satisfies Readonly<Record<string, LimitPolicy>>;
