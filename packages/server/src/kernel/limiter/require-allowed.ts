import { AerostackError } from "@aerostack/contracts";
import type { Limiter, LimitPolicy } from "./limiter.ts";

/**
 * Counts an attempt and lets it pass, or refuses it.
 *
 * @throws RATE_LIMIT_EXCEEDED with the seconds to wait · SERVICE_UNAVAILABLE when shared counters do not answer
 */
export async function requireAllowed(limiter: Limiter, key: string, policy: LimitPolicy): Promise<void> {
  const decision = await limiter.take(key, policy);
  if (decision.allowed) return;
  throw new AerostackError("RATE_LIMIT_EXCEEDED", {
    message: "Too many attempts.",
    fix: `Wait ${decision.retryAfterSeconds} seconds and try again.`,
    retryAfterSeconds: decision.retryAfterSeconds,
  });
}
