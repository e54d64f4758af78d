import { AerostackError } from "@aerostack/contracts";
import type { MiddlewareHandler } from "hono";
import { limitKeyOfAddress } from "../kernel/limiter/address-key.ts";
import type { LimitDecision, Limiter } from "../kernel/limiter/limiter.ts";
import type { Principal } from "../keys/principal.ts";
import type { AppEnv } from "./app-env.ts";

export interface RateLimits {
  /** Of one address without a credential; 0 is no limit. */
  readonly anonymousPerMinute: number;
  /** Of one project or account; 0 is no limit. */
  readonly projectPerMinute: number;
}

const MINUTE_MS = 60_000;

/** `X-RateLimit-*` as clients read them; the reset is in whole seconds since the epoch. */
export function rateLimitHeaders(decision: LimitDecision): Readonly<Record<string, string>> {
  return {
    "x-ratelimit-limit": String(decision.limit),
    "x-ratelimit-remaining": String(decision.remaining),
    "x-ratelimit-reset": String(Math.ceil(decision.resetAtMs / 1_000)),
  };
}

/** Limits the management API: by project or account where a credential is valid, else by address. */
export function rateLimit(
  limiter: Limiter,
  limits: RateLimits,
  onRefused?: (path: string) => void,
): MiddlewareHandler<AppEnv> {
  return async function rateLimitMiddleware(c, next) {
    const principal = c.get("principal");
    const limit = principal === null ? limits.anonymousPerMinute : limits.projectPerMinute;
    if (limit === 0) {
      await next();
      return;
    }
    const key =
      principal === null ? `api:address:${limitKeyOfAddress(c.get("clientAddress"))}` : `api:${subjectOf(principal)}`;
    const decision = await limiter.take(key, { limit, windowMs: MINUTE_MS });
    if (decision.allowed) await next();
    // After the answer is there: a finished Response takes no headers that were set before.
    for (const [name, value] of Object.entries(rateLimitHeaders(decision))) c.header(name, value);
    if (decision.allowed) return;
    onRefused?.(c.req.path);
    throw rateLimited(decision);
  };
}

/** The error of a refused event, with the seconds to wait. */
export function rateLimited(decision: LimitDecision): AerostackError {
  return new AerostackError("RATE_LIMIT_EXCEEDED", {
    message: `At most ${decision.limit} requests are allowed in this time.`,
    retryAfterSeconds: decision.retryAfterSeconds,
  });
}

function subjectOf(principal: Principal): string {
  return principal.kind === "project" ? `project:${principal.projectId}` : `account:${principal.accountId}`;
}
