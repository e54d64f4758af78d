import type { Plan } from "@aerostack/contracts";
import type { Slots } from "../kernel/slots/slots.ts";

export interface PlanShrinksOptions {
  readonly slots: Pick<Slots, "held" | "total">;
  readonly slotOf: (projectId: string) => string;
  readonly planOf: (projectId: string) => Plan | Promise<Plan>;
  /** Those that have connections at this server. */
  readonly projectIds: () => Iterable<string>;
  /** Ends a number of a project's at this server, the newest first. */
  readonly endNewest: (projectId: string, count: number) => void;
}

/**
 * Ends the newest connections of projects that have more open than their plan allows, because that became smaller. Each
 * server ends its share.
 */
export function createPlanShrinks({ slots, slotOf, planOf, projectIds, endNewest }: PlanShrinksOptions) {
  async function check(projectId: string): Promise<void> {
    const { connections: limit } = (await planOf(projectId)).realtime;
    const total = await slots.total(slotOf(projectId));
    const share = Math.ceil(((total - limit) * slots.held(slotOf(projectId))) / total);
    if (share > 0) endNewest(projectId, share);
  }

  return {
    async checkAll(): Promise<void> {
      for (const projectId of new Set(projectIds())) await check(projectId);
    },
  };
}
