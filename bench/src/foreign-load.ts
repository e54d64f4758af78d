import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { processTree } from "./process-tree.ts";

/** Share of all cores that others may use while something is measured. */
export const MAX_DISTURBANCE = 0.1;
/** How long a measurement waits to be left alone before it begins all the same. */
export const QUIET_TIMEOUT_MS = 20_000;

/** A reading of how much CPU time was used so far, in ticks: on the whole machine, and by this run. */
interface CpuReading {
  readonly total: number;
  readonly busy: number;
  readonly own: number;
}

/** Positions behind the process's name in /proc/<pid>/stat (proc(5)): user and system time, then those of ended children. */
const OWN_TIMES = [11, 12] as const;
const CHILDREN_TIMES = [13, 14] as const;
/** Columns of /proc/stat: user nice system idle iowait irq softirq steal. Guest time is in user already. */
const CPU_COLUMNS = 8;
const IDLE_COLUMN = 3;
const IO_WAIT_COLUMN = 4;
const SAMPLE_MS = 1000;

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function ticksOf(pid: number, positions: readonly number[]): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return sum(positions.map((position) => Number(fields[position])));
  } catch {
    return 0; // It has ended in between, and is among its parent's ended children.
  }
}

function read(): CpuReading {
  const [, ...columns] = readFileSync("/proc/stat", "utf8").split("\n")[0]?.split(/\s+/) ?? [];
  const times = columns.slice(0, CPU_COLUMNS).map(Number);
  const total = sum(times);
  const own = processTree(process.pid).map(({ pid }) => ticksOf(pid, OWN_TIMES));
  return {
    total,
    busy: total - (times[IDLE_COLUMN] ?? 0) - (times[IO_WAIT_COLUMN] ?? 0),
    own: sum(own) + ticksOf(process.pid, CHILDREN_TIMES),
  };
}

/** Begins to watch; the answer ends it and tells which share of all cores others used, or the hypervisor took, meanwhile. */
export function watchForeignLoad(): () => number {
  const before = read();
  return () => {
    const after = read();
    const foreign = after.busy - before.busy - (after.own - before.own);
    return Math.max(0, foreign) / Math.max(1, after.total - before.total);
  };
}

/** The share of all cores that others use at this moment. */
export async function sampleForeignLoad(): Promise<number> {
  const end = watchForeignLoad();
  await delay(SAMPLE_MS);
  return end();
}

/** Waits until others leave the machine alone, but no longer than `timeoutMs`. */
export async function untilLeftAlone(limit: number, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while ((await sampleForeignLoad()) > limit && performance.now() < deadline);
}
