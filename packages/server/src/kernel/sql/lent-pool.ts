// For tests only.
import type { Pool, PoolClient } from "pg";

/** What Kysely and `createPostgresSql` use of a pool. */
export interface LendablePool {
  readonly ending: boolean;
  readonly options: object;
  connect(): Promise<PoolClient>;
  end(): Promise<void>;
}

/**
 * A pool for one test on connections that the next test goes on with: to open them takes longer than most tests. Once it
 * ends it lends none any more, and it ends when all are back, without what was set on them.
 */
export function lendPool(pool: Pool): LendablePool {
  const used = new Set<PoolClient>();
  let isEnding = false;
  let lent = 0;
  let onAllBack: (() => void) | undefined;

  function giveBack(): void {
    lent--;
    if (lent === 0) onAllBack?.();
  }

  return {
    get ending() {
      return isEnding;
    },
    options: pool.options,
    async connect() {
      if (isEnding) throw new Error("the test that this pool was lent to has ended");
      lent++;
      try {
        const client = await pool.connect();
        used.add(client);
        const { release } = client;
        client.release = (error) => {
          client.release = release;
          release.call(client, error);
          giveBack();
        };
        return client;
      } catch (error) {
        giveBack();
        throw error;
      }
    },
    async end() {
      isEnding = true;
      if (lent > 0) {
        await new Promise<void>((resolve) => {
          onAllBack = resolve;
        });
      }
      // One that broke has left the pool.
      await Promise.all([...used].map((client) => client.query("discard all").catch(() => undefined)));
    },
  };
}
