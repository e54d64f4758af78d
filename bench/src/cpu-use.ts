import { readFileSync } from "node:fs";
import { type ProcessFacts, type Role, roleOf } from "./process-tree.ts";

/** Microseconds of CPU time that processes have used so far, by what they are. */
export type CpuUse = ReadonlyMap<Role, number>;

/** The kernel reports in ticks of USER_HZ, which is 100 on every Linux that Node runs on. */
const MICROSECONDS_PER_TICK = 10_000;
/** Positions of utime and stime behind the process's name in /proc/<pid>/stat (proc(5)). */
const USER_TIME = 11;
const SYSTEM_TIME = 12;

function cpuMicroseconds(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[USER_TIME]) + Number(fields[SYSTEM_TIME])) * MICROSECONDS_PER_TICK;
  } catch {
    return 0; // It has ended in between.
  }
}

export function readCpuUse(processes: readonly ProcessFacts[]): CpuUse {
  const use = new Map<Role, number>();
  for (const facts of processes) {
    const role = roleOf(facts);
    use.set(role, (use.get(role) ?? 0) + cpuMicroseconds(facts.pid));
  }
  return use;
}

/** What was used between two readings, for each of `count` requests. */
export function cpuPerRequest(before: CpuUse, after: CpuUse, count: number): Readonly<Record<string, number>> {
  return Object.fromEntries([...after].map(([role, time]) => [role, (time - (before.get(role) ?? 0)) / count]));
}
