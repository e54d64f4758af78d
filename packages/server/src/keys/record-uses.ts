import type { Logger } from "../kernel/log.ts";
import type { PrincipalResolver } from "./principal-resolver.ts";

export interface KeyUseRecorder {
  /** Writes what was used since the last time. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Writes down that keys were last used then, from there. */
export type MarkUsed = (keyIds: readonly string[], usedAtMs: number, ip: string | null) => Promise<void>;

const FLUSH_EVERY_MS = 15_000;
/** Below SQLite's and PostgreSQL's limits on parameters. */
const MAX_IDS_PER_STATEMENT = 500;

/** Writes when and where keys were last used in batches: exact to the interval, and no write per request. */
export function createKeyUseRecorder(resolver: PrincipalResolver, markUsed: MarkUsed, log: Logger): KeyUseRecorder {
  async function flush(): Promise<void> {
    const byAddress = Map.groupBy(resolver.takeUses(), ([, { ip }]) => ip);
    for (const [ip, uses] of byAddress) {
      for (let start = 0; start < uses.length; start += MAX_IDS_PER_STATEMENT) {
        const batch = uses.slice(start, start + MAX_IDS_PER_STATEMENT);
        const newest = Math.max(...batch.map(([, { atMs }]) => atMs));
        const ids = batch.map(([id]) => id);
        await markUsed(ids, newest, ip);
      }
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
