// For tests only: a Redis where one answers, and keys that vanish afterwards.
import { randomText } from "@aerostack/kernel";
import type { Redis } from "ioredis";
import { afterAll, afterEach, describe, it } from "vitest";

const URL = process.env.AEROSTACK_TEST_REDIS_URL ?? "redis://127.0.0.1:6379";

const client = await connect();

/** Runs tests where Redis answers. `AEROSTACK_REQUIRE_REDIS=1` forbids the skip. */
export function describeWithRedis(title: string, tests: (open: () => { redis: Redis; prefix: string }) => void): void {
  if (client === undefined) {
    if (process.env.AEROSTACK_REQUIRE_REDIS === "1") {
      it(title, () => {
        throw new Error("AEROSTACK_REQUIRE_REDIS=1, and no Redis answers");
      });
    } else describe.skip(title, () => tests(() => Promise.reject(new Error("skipped")) as never));
    return;
  }
  const prefixes: string[] = [];
  describe(title, () => {
    afterEach(async () => {
      for (const prefix of prefixes.splice(0)) {
        const keys = await client.keys(`${prefix}*`);
        if (keys.length > 0) await client.del(...keys);
      }
    });
    afterAll(() => client.quit());
    tests(() => {
      const prefix = `aerostack-test:${randomText(12)}:`;
      prefixes.push(prefix);
      return { redis: client, prefix };
    });
  });
}

async function connect(): Promise<Redis | undefined> {
  const { Redis: Client } = await import("ioredis");
  const redis = new Client(URL, { lazyConnect: true, connectTimeout: 1_000, retryStrategy: () => null });
  redis.on("error", () => undefined);
  try {
    await redis.connect();
    return redis;
  } catch {
    return undefined;
  }
}
