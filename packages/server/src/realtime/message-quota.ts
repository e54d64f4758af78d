import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import { toIso } from "../kernel/page.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { RealtimeTables } from "./tables.ts";

/** Counted ahead at once, so that not every message waits for the database. */
const BLOCK = 100;
/** For so long a project that has used its month up is refused without asking the database again. */
const REFUSED_MS = 1_000;

export interface MessageUsage {
  /** `2026-06`, in UTC. */
  readonly month: string;
  readonly messages: number;
}

interface Held {
  /** Of this month; what is left is counted and not sent yet. */
  month: string;
  left: number;
  isUsed: boolean;
  filling: Promise<void> | undefined;
  refused: { readonly limit: number; readonly untilMs: number } | undefined;
}

/**
 * Counts what a project publishes in a month (UTC), over all servers. A message is counted before it is sent: a server takes
 * blocks of the month from the database and gives back what it does not use. So no more is sent than the plan allows and
 * nothing that was sent is lost from the count; a server that is killed leaves at most a block counted that was not sent.
 */
export function createMessageQuota({
  sql: { db },
  clock,
}: {
  readonly sql: Sql<RealtimeTables>;
  readonly clock: Clock;
}) {
  const projects = new Map<string, Held>();
  const monthNow = (): string => toIso(clock.now()).slice(0, 7);

  /** @returns how many of the month are taken now; 0 where there are none left */
  async function reserve(projectId: string, month: string, limit: number | null): Promise<number> {
    for (let wanted = BLOCK; ; ) {
      let update = db
        .updateTable("realtime_usage")
        .set((eb) => ({ messages: eb("messages", "+", wanted) }))
        .where("project_id", "=", projectId)
        .where("month", "=", month);
      if (limit !== null) update = update.where("messages", "<=", limit - wanted);
      if ((await update.returning("messages").executeTakeFirst()) !== undefined) return wanted;
      const used = await usedIn(projectId, month);
      if (used === undefined) {
        await db
          .insertInto("realtime_usage")
          .values({ project_id: projectId, month, messages: 0 })
          .onConflict((conflict) => conflict.columns(["project_id", "month"]).doNothing())
          .execute();
      } else if (limit !== null) {
        if (used >= limit) return 0;
        wanted = Math.min(wanted, limit - used);
      }
    }
  }

  async function usedIn(projectId: string, month: string): Promise<number | undefined> {
    const row = await db
      .selectFrom("realtime_usage")
      .select("messages")
      .where("project_id", "=", projectId)
      .where("month", "=", month)
      .executeTakeFirst();
    return row?.messages;
  }

  async function giveBack(projectId: string, held: Held): Promise<void> {
    const { left, month } = held;
    if (left === 0) return;
    held.left = 0;
    try {
      await db
        .updateTable("realtime_usage")
        .set((eb) => ({ messages: eb("messages", "-", left) }))
        .where("project_id", "=", projectId)
        .where("month", "=", month)
        .execute();
    } catch (error) {
      if (held.month === month) held.left += left;
      throw error;
    }
  }

  async function fill(projectId: string, held: Held, limit: number | null): Promise<void> {
    const month = monthNow();
    if (held.month !== month) {
      await giveBack(projectId, held);
      held.month = month;
    }
    const taken = await reserve(projectId, month, limit);
    if (taken > 0) {
      held.left += taken;
      return;
    }
    if (limit === null) return;
    held.refused = { limit, untilMs: clock.now() + REFUSED_MS };
    throw usedUp(limit, clock.now());
  }

  function heldOf(projectId: string): Held {
    let held = projects.get(projectId);
    if (held === undefined) {
      held = { month: monthNow(), left: 0, isUsed: true, filling: undefined, refused: undefined };
      projects.set(projectId, held);
    }
    return held;
  }

  return {
    /**
     * Counts one message.
     *
     * @param limit messages a month; null: no limit
     * @throws RATE_LIMIT_EXCEEDED
     */
    async take(projectId: string, limit: number | null): Promise<void> {
      const held = heldOf(projectId);
      held.isUsed = true;
      while (held.month !== monthNow() || held.left === 0) {
        if (held.refused?.limit === limit && limit !== null && clock.now() < held.refused.untilMs) {
          throw usedUp(limit, clock.now());
        }
        held.filling ??= fill(projectId, held, limit).finally(() => {
          held.filling = undefined;
        });
        await held.filling;
      }
      held.left--;
    },

    /** One that was counted could not be sent. */
    undo(projectId: string): void {
      heldOf(projectId).left++;
    },

    /** This month, with what servers have counted ahead. */
    async usage(projectId: string): Promise<MessageUsage> {
      const month = monthNow();
      return { month, messages: (await usedIn(projectId, month)) ?? 0 };
    },

    /** What was not used since the last time goes back; all of it where the server ends. */
    async giveBackUnused({ all = false }: { readonly all?: boolean } = {}): Promise<void> {
      for (const [projectId, held] of projects) {
        const isIdle = !held.isUsed && held.filling === undefined;
        held.isUsed = false;
        if (!isIdle && !all) continue;
        await giveBack(projectId, held);
        if (held.left === 0 && held.filling === undefined) projects.delete(projectId);
      }
    },

    async deleteProject(projectId: string): Promise<void> {
      projects.delete(projectId);
      await db.deleteFrom("realtime_usage").where("project_id", "=", projectId).execute();
    },
  };
}

export type MessageQuota = ReturnType<typeof createMessageQuota>;

function usedUp(limit: number, nowMs: number): AerostackError {
  const now = new Date(nowMs);
  const resetsAtMs = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1);
  return new AerostackError("RATE_LIMIT_EXCEEDED", {
    message: `The project has published ${limit} messages this month, as many as its plan allows.`,
    fix: "Choose a larger plan, or wait for the next month (UTC).",
    details: { limit, resetsAt: toIso(resetsAtMs) },
    retryAfterSeconds: Math.ceil((resetsAtMs - nowMs) / 1_000),
  });
}
