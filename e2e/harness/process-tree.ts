import { readdir, readFile } from "node:fs/promises";

export interface ProcessInfo {
  readonly pid: number;
  readonly parentPid: number;
  /** Clock ticks since boot; with the pid it names a process for good. */
  readonly startTime: string;
  readonly command: readonly string[];
}

const PARENT_FIELD = 1;
const START_TIME_FIELD = 19;

/** A process as /proc shows it; null when it is gone or only waits to be reaped. */
async function readProcess(pid: number): Promise<ProcessInfo | null> {
  try {
    const [stat, command] = await Promise.all([
      readFile(`/proc/${pid}/stat`, "utf8"),
      readFile(`/proc/${pid}/cmdline`, "utf8"),
    ]);
    // The name in parentheses may hold anything, spaces included; the fields after it are counted from the state.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z") return null;
    return {
      pid,
      parentPid: Number(fields[PARENT_FIELD]),
      startTime: fields[START_TIME_FIELD] ?? "",
      command: command.split("\0").filter((part) => part !== ""),
    };
  } catch {
    return null;
  }
}

async function allProcesses(): Promise<ProcessInfo[]> {
  const names = await readdir("/proc");
  const found = await Promise.all(names.filter((name) => /^\d+$/.test(name)).map((name) => readProcess(Number(name))));
  return found.filter((one) => one !== null);
}

/** Children, their children and so on, parents first. */
export async function descendantsOf(pid: number): Promise<ProcessInfo[]> {
  const all = await allProcesses();
  const found: ProcessInfo[] = [];
  let generation = [pid];
  while (generation.length > 0) {
    const children = all.filter((one) => generation.includes(one.parentPid));
    found.push(...children);
    generation = children.map((one) => one.pid);
  }
  return found;
}

/** Which of these processes still run (not others that were given the same numbers). */
export async function stillRunning(processes: readonly ProcessInfo[]): Promise<ProcessInfo[]> {
  const now = await Promise.all(processes.map((one) => readProcess(one.pid)));
  return processes.filter((one, index) => now[index]?.startTime === one.startTime);
}

export function isWorkerd(process: ProcessInfo): boolean {
  return /(^|\/)workerd$/.test(process.command[0] ?? "");
}

/** The data host itself, or one of its readers. */
export function isDataHost(process: ProcessInfo): boolean {
  return process.command.some((part) => part.includes("datahost"));
}

const KIBIBYTE = 1024;

async function statusBytes(pid: number, field: string): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const found = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1];
  if (found === undefined) throw new Error(`process ${pid} has no ${field}`);
  return Number(found) * KIBIBYTE;
}

/** Memory of a process at this moment. */
export const residentBytes = (pid: number): Promise<number> => statusBytes(pid, "VmRSS");

/** Calls `work` and reports how far the memory of a process rose meanwhile above what it was before. */
export async function peakGrowthBytes<Result>(
  pid: number,
  work: () => Promise<Result>,
): Promise<{ result: Result; growthBytes: number }> {
  const before = await residentBytes(pid);
  let peak = before;
  const sampler = setInterval(() => {
    residentBytes(pid).then(
      (bytes) => {
        peak = Math.max(peak, bytes);
      },
      () => undefined,
    );
  }, 20);
  try {
    const result = await work();
    peak = Math.max(peak, await residentBytes(pid));
    return { result, growthBytes: peak - before };
  } finally {
    clearInterval(sampler);
  }
}

/** Memory of a process, what it shares with others counted by its share. */
export async function proportionalBytes(pid: number): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? Number.NaN) * KIBIBYTE;
}
