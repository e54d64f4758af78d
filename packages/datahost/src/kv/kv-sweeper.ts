import type { Clock } from "@aerostack/kernel";
import type { StateDatabases } from "../state/state-databases.ts";
import { deleteExpired } from "./kv-store.ts";

/** Keys deleted in one commit: a few milliseconds. */
const SWEEP_BATCH_KEYS = 1000;

/**
 * Frees the space of expired keys. They are invisible from their very time on; this only removes what is left of them,
 * in the projects whose database is open anyhow.
 */
export function createKvSweeper({ states, clock }: { readonly states: StateDatabases; readonly clock: Clock }) {
  return {
    /** @returns how many keys were removed. */
    async sweep(): Promise<number> {
      let removed = 0;
      for (const projectId of states.openProjects()) removed += await sweepProject(projectId);
      return removed;
    },
  };

  async function sweepProject(projectId: string): Promise<number> {
    let removed = 0;
    for (;;) {
      const now = clock.now();
      const inBatch = (await states.commitIfOpen(projectId, (db) => deleteExpired(db, now, SWEEP_BATCH_KEYS))) ?? 0;
      removed += inBatch;
      if (inBatch < SWEEP_BATCH_KEYS) return removed;
    }
  }
}
