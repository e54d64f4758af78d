import type { Redis } from "ioredis";
import type { Logger } from "./log.ts";
import { StartError } from "./start-error.ts";

const CONNECT_TIMEOUT_MS = 5_000;
/** A command waits for a reconnect this often, then fails: a limiter must not hold requests for long. */
const MAX_RETRIES_PER_REQUEST = 2;
const MAX_RECONNECT_DELAY_MS = 2_000;

/**
 * Connects to Redis or Valkey. The client is loaded here, so that an installation without one never loads it.
 *
 * @throws StartError when the first connection does not succeed.
 */
export async function openRedis(url: string, log: Logger): Promise<Redis> {
  const { Redis: Client } = await import("ioredis");
  const redis = new Client(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    maxRetriesPerRequest: MAX_RETRIES_PER_REQUEST,
    retryStrategy: (attempt) => Math.min(2 ** attempt * 20, MAX_RECONNECT_DELAY_MS),
  });
  redis.on("error", (err: Error) => log.warn({ err }, "the connection to Redis failed"));
  try {
    await redis.connect();
  } catch (cause) {
    redis.disconnect();
    throw new StartError(`AEROSTACK_REDIS_URL: Redis cannot be used: ${(cause as Error).message}`, { cause });
  }
  return redis;
}
