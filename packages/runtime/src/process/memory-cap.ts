import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import type { LaunchTools } from "./launch-command.ts";

/**
 * The kernel's bound on a process's writable memory (RLIMIT_DATA): what stops a bomb that grows faster than the watchdog
 * looks. Resident memory cannot be bound this way, and workerd reserves much that it never touches, so the bound is what a
 * fresh process has plus a multiple of the limit; the first process of this server is measured for it.
 */
export interface MemoryCap {
  /** The bound for the next process, bytes; null before the first was measured or where it is not available. */
  bytesFor(functions: number): number | null;
  /** Measures a process that has just started, and bounds it. */
  measure(pid: number, functions: number): Promise<void>;
}

const KIBIBYTE = 1024;
/** Room above the limit, in limits: the watchdog ends an ordinary bomb long before, with a better message. */
const HEADROOM = 3;
/** What each further function may take before it does anything. */
const BYTES_PER_FUNCTION = 8 * 1024 * 1024;

export function createMemoryCap(tools: LaunchTools, memoryLimitBytes: number): MemoryCap {
  const { prlimit } = tools;
  let freshBytes: number | null = null;

  function bytesFor(functions: number): number | null {
    if (freshBytes === null) return null;
    return freshBytes + HEADROOM * memoryLimitBytes + functions * BYTES_PER_FUNCTION;
  }

  return {
    bytesFor,
    async measure(pid, functions) {
      if (prlimit === null || freshBytes !== null) return;
      const status = await readFile(`/proc/${pid}/status`, "latin1").catch(() => "");
      const data = /^VmData:\s+(\d+) kB$/m.exec(status)?.[1];
      if (data === undefined) return;
      freshBytes ??= Number(data) * KIBIBYTE;
      await new Promise<void>((resolve) => {
        execFile(prlimit, ["--pid", String(pid), `--data=${bytesFor(functions)}`], () => resolve());
      });
    },
  };
}
