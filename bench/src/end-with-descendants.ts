import { processTree } from "./process-tree.ts";

/** The exit codes of a shell for processes that a signal ended. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** A run that is broken off leaves no process, and so no load, behind. */
export function endWithDescendants(): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      for (const { pid } of processTree(process.pid)) {
        if (pid === process.pid) continue;
        try {
          process.kill(pid, "SIGTERM");
        } catch {
          // It has just ended.
        }
      }
      process.exit(EXIT_CODES[signal]);
    });
  }
}
