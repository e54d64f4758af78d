import { MAX_ABUSE_WINDOW_DAYS } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Selectable } from "kysely";
import type { Logger } from "../kernel/log.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { Principal } from "./principal.ts";
import type { ProjectKeyTables } from "./tables.ts";

export type KeyRefusal = Selectable<ProjectKeyTables["key_refusals"]>;

/** Uses of good keys from addresses that they do not list: whoever did that has a copy of the key. */
export interface RefusedUses {
  /** Costs the caller a map entry; stored within seconds. */
  note(principal: Principal, ip: string | undefined): void;
  flush(): Promise<void>;
  /** Newest first. */
  list(query: {
    readonly projectId: string | null;
    readonly sinceMs: number;
    readonly limit: number;
  }): Promise<readonly KeyRefusal[]>;
  removeExpired(): Promise<void>;
  close(): Promise<void>;
}

const DAY_MS = 24 * 60 * 60_000;
const FLUSH_EVERY_MS = 5_000;
/** A flood from many addresses fills neither the memory nor the table. */
const MAX_WAITING = 1_000;
const KEPT_MS = (MAX_ABUSE_WINDOW_DAYS + 1) * DAY_MS;

export function createRefusedUses(options: {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly log: Logger;
}): RefusedUses {
  const { clock, log } = options;
  const { db } = options.sql.withTables<ProjectKeyTables>();
  let waiting = new Map<string, KeyRefusal>();

  async function flush(): Promise<void> {
    const rows = [...waiting.values()];
    waiting = new Map();
    for (const row of rows) {
      await db
        .insertInto("key_refusals")
        .values(row)
        .onConflict((conflict) =>
          conflict.columns(["key_id", "day", "ip"]).doUpdateSet((eb) => ({
            count: eb("key_refusals.count", "+", row.count),
            last_at: row.last_at,
          })),
        )
        .execute();
    }
  }

  const timer = setInterval(() => {
    flush().catch((err: unknown) => log.warn({ err }, "refused uses of keys were not stored"));
  }, FLUSH_EVERY_MS);
  timer.unref();

  return {
    note(principal, ip = "") {
      const now = clock.now();
      const day = Math.floor(now / DAY_MS) * DAY_MS;
      const key = `${principal.credentialId} ${day} ${ip}`;
      const known = waiting.get(key);
      if (known === undefined) {
        if (waiting.size >= MAX_WAITING) return;
        const project_id = principal.kind === "project" ? principal.projectId : null;
        const row = { key_id: principal.credentialId, day, ip, project_id, count: 1, first_at: now, last_at: now };
        waiting.set(key, row);
      } else waiting.set(key, { ...known, count: known.count + 1, last_at: now });
    },
    flush,

    async list({ projectId, sinceMs, limit }) {
      let query = db
        .selectFrom("key_refusals")
        .selectAll()
        .where("day", ">=", Math.floor(sinceMs / DAY_MS) * DAY_MS)
        .where("last_at", ">=", sinceMs);
      if (projectId !== null) query = query.where("project_id", "=", projectId);
      return await query.orderBy("last_at", "desc").limit(limit).execute();
    },

    async removeExpired() {
      await db
        .deleteFrom("key_refusals")
        .where("day", "<", clock.now() - KEPT_MS)
        .execute();
    },

    async close() {
      clearInterval(timer);
      await flush();
    },
  };
}
