import type { Plan } from "@aerostack/contracts";
import type { Slots } from "../kernel/slots/slots.ts";

/** A connection that can be ended for the sake of the others. */
export interface Endable {
  readonly projectId: string;
  end(): void;
}

export interface PlanShrinksOptions {
  readonly slots: Pick<Slots, "held" | "total">;
  readonly slotOf: (projectId: string) => string;
  readonly planOf: (projectId: string) => Plan | Promise<Plan>;
  /** Of this server, the oldest first. */
  readonly open: () => Iterable<Endable>;
}

/**
 * Ends the newest connections of projects that have more open than their plan allows, because that became smaller. Each
 * server ends its share.
 */
export function createPlanShrinks({ slots, slotOf, planOf, open }: PlanShrinksOptions) {
  /** What a project was allowed at the last check; what was not more than allowed then is looked at when that shrinks. */
  const settled = new Map<string, number>();

  async function check(projectId: string, own: readonly Endable[]): Promise<void> {
    const { connections: limit } = (await planOf(projectId)).realtime;
    const before = settled.get(projectId);
    if (before !== undefined && limit >= before) {
      settled.set(projectId, limit);
      return;
    }
    const total = await slots.total(slotOf(projectId));
    if (total <= limit) settled.set(projectId, limit);
    else settled.delete(projectId);
    const share = Math.min(own.length, Math.ceil(((total - limit) * slots.held(slotOf(projectId))) / total));
    if (share > 0) for (const connection of own.slice(-share)) connection.end();
  }

  return {
    async checkAll(): Promise<void> {
      const projects = Map.groupBy(open(), ({ projectId }) => projectId);
      for (const projectId of settled.keys()) if (!projects.has(projectId)) settled.delete(projectId);
      for (const [projectId, own] of projects) await check(projectId, own);
    },
  };
}
