import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Which SQL processes run, kept in files, so that a host that crashed leaves none behind: a process that waits for SQLite
 * notices nothing, and a statement that never ends would run for ever. The next host ends those of the last one.
 */
export interface ProcessLedger {
  add(pid: number): void;
  remove(pid: number): void;
  /** Kills what the last host left. @returns how many. */
  killLeftOver(): number;
}

/** @param command what the command line of each of these processes contains: a process id may belong to another by now. */
export function createProcessLedger(directory: string, command: string): ProcessLedger {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const pathOf = (pid: number | string) => join(directory, String(pid));

  return {
    add: (pid) => writeFileSync(pathOf(pid), ""),
    remove: (pid) => rmSync(pathOf(pid), { force: true }),
    killLeftOver() {
      let killed = 0;
      for (const name of readdirSync(directory)) {
        const pid = Number(name);
        if (Number.isInteger(pid) && commandLineOf(pid).includes(command)) {
          process.kill(pid, "SIGKILL");
          killed++;
        }
        rmSync(pathOf(name), { force: true });
      }
      return killed;
    },
  };
}

/** Empty where there is no such process. */
function commandLineOf(pid: number): string {
  try {
    if (process.platform === "linux") return readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return execFileSync("ps", ["-p", String(pid), "-o", "command="], { encoding: "utf8" });
  } catch {
    return "";
  }
}
