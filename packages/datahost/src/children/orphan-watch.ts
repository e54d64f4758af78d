import { Worker } from "node:worker_threads";

/** A host that crashed is noticed within this time. */
const POLL_MS = 250;

/**
 * Ends this process when its parent is gone, even while a statement runs: the event loop cannot, for it waits for SQLite, so a
 * small thread looks. Without it a runaway statement of a host that crashed would run for ever.
 */
export function watchForOrphaning(parentAtStart: number): void {
  const code = `setInterval(() => {
    if (process.ppid !== ${parentAtStart}) process.kill(process.pid, "SIGKILL");
  }, ${POLL_MS});`;
  const thread = new Worker(code, {
    eval: true,
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 8, stackSizeMb: 1 },
  });
  thread.unref();
}
