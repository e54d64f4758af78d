import type { Logger } from "../kernel/log.ts";
import type { PrincipalResolver } from "./principal-resolver.ts";

export interface KeyUseRecorder {
  /** Writes what was used since the last time. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

const FLUSH_EVERY_MS = 15_000;
/** Below SQLite's and PostgreSQL's limits on parameters. */
const MAX_IDS_PER_STATEMENT = 500;

/** Writes `last_used_at` of keys in batches: exact to the interval, and no write per request. */
export function createKeyUseRecorder(
  resolver: PrincipalResolver,
  markUsed: (keyIds: readonly string[], usedAtMs: number) => Promise<void>,
  log: Logger,
): KeyUseRecorder {
  async function flush(): Promise<void> {
    const uses = [...resolver.takeUses()];
    for (let start = 0; start < uses.length; start += MAX_IDS_PER_STATEMENT) {
      const batch = uses.slice(start, start + MAX_IDS_PER_STATEMENT);
      const newest = Math.max(...batch.map(([, usedAtMs]) => usedAtMs));
      await markUsed(
        batch.map(([id]) => id),
        newest,
      );
    }
  }
  const timer = setInterval(() => {
    flush().catch((err: unknown) => log.warn({ err }, "the last use of keys could not be written"));
  }, FLUSH_EVERY_MS);
  timer.unref();
  return {
    flush,
    async close() {
      clearInterval(timer);
      await flush();
    },
  };
}
