import type { LimitPolicy } from "../kernel/limiter/limiter.ts";

const MINUTE_MS = 60_000;

/** How often somebody may try, counted exactly over all servers. */
export const END_USER_LIMITS = {
  loginPerAddress: { limit: 10, windowMs: MINUTE_MS },
  loginPerEmail: { limit: 5, windowMs: 15 * MINUTE_MS },
  registerPerAddress: { limit: 5, windowMs: MINUTE_MS },
} as const satisfies Readonly<Record<string, LimitPolicy>>;
