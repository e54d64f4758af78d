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
  /** Bounds a process that was started without a bound and has done nothing yet; the first such is measured. */
  apply(pid: number, functions: number): Promise<void>;
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
    async apply(pid, functions) {
      if (prlimit === null) return;
      freshBytes ??= await readDataBytes(pid);
      const bytes = bytesFor(functions);
      if (bytes === null) return;
      await new Promise<void>((resolve) => {
        execFile(prlimit, ["--pid", String(pid), `--data=${bytes}`], () => resolve());
      });
    },
  };
}

/** What the kernel counts towards RLIMIT_DATA; null when it does not say. */
async function readDataBytes(pid: number): Promise<number | null> {
  const status = await readFile(`/proc/${pid}/status`, "latin1").catch(() => "");
  const data = /^VmData:\s+(\d+) kB$/m.exec(status)?.[1];
  return data === undefined ? null : Number(data) * KIBIBYTE;
}
