import { readFileSync, statfsSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { setTimeout as delay } from "node:timers/promises";

export interface Machine {
  readonly cpuModel: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly kernel: string;
  /** Where the databases of the run lie: a write costs what this makes of it. */
  readonly fileSystem: string;
}

/** Magic numbers of statfs(2). */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  61267: "ext4",
  16914836: "tmpfs",
  1481003842: "xfs",
  2035054128: "overlay",
  2435016766: "btrfs",
};
const BYTES_PER_GB = 1024 ** 3;
const NOISE_SAMPLE_MS = 1000;

export function describeMachine(dataDir: string): Machine {
  const { type } = statfsSync(dataDir);
  return {
    cpuModel: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGb: Math.round((totalmem() / BYTES_PER_GB) * 10) / 10,
    kernel: release(),
    fileSystem: FILE_SYSTEMS[type] ?? `0x${type.toString(16)}`,
  };
}

export interface Noise {
  /** Share of all cores that somebody else used, or the hypervisor took, while this run was idle. */
  readonly cpuBusyShare: number;
  readonly loadAverage1: number;
}

function cpuTimes(): { busy: number; total: number } {
  const [, ...fields] = readFileSync("/proc/stat", "utf8").split("\n")[0]?.split(/\s+/) ?? [];
  // user nice system idle iowait irq softirq steal; guest time is in user already.
  const times = fields.slice(0, 8).map(Number);
  const total = times.reduce((sum, time) => sum + time, 0);
  return { total, busy: total - (times[3] ?? 0) - (times[4] ?? 0) };
}

/** How busy the machine is with other things; to be asked while nothing of the run is under way. */
export async function measureNoise(): Promise<Noise> {
  const before = cpuTimes();
  await delay(NOISE_SAMPLE_MS);
  const after = cpuTimes();
  return {
    cpuBusyShare: (after.busy - before.busy) / Math.max(1, after.total - before.total),
    loadAverage1: loadavg()[0] ?? 0,
  };
}
