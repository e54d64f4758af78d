import { statfsSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";

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
