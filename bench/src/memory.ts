import { readFileSync } from "node:fs";
import { type ProcessFacts, processTree, roleOf } from "./process-tree.ts";

/** Memory of a process tree. */
export interface TreeMemory {
  readonly totalMb: number;
  readonly processes: number;
  /** Megabytes by what the process is. */
  readonly byRoleMb: Readonly<Record<string, number>>;
}

const KIB_PER_MB = 1024;

/**
 * Proportional set size: private memory, and of what processes share each one's part, so that the sum over a tree counts
 * every page once. Zero for a process that has just ended.
 */
function proportionalSetMb({ pid }: ProcessFacts): number {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    return Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1] ?? 0) / KIB_PER_MB;
  } catch {
    return 0;
  }
}

/** What the process and all below it hold now. */
export function treeMemory(rootPid: number): TreeMemory {
  const processes = processTree(rootPid);
  const byRoleMb: Record<string, number> = {};
  for (const facts of processes) {
    const role = roleOf(facts);
    byRoleMb[role] = (byRoleMb[role] ?? 0) + proportionalSetMb(facts);
  }
  const totalMb = Object.values(byRoleMb).reduce((sum, megabytes) => sum + megabytes, 0);
  return { totalMb, processes: processes.length, byRoleMb };
}
