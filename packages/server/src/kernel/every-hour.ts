import type { Logger } from "./log.ts";

const HOUR_MS = 60 * 60_000;

/**
 * Runs housekeeping every hour until stopped. A failure is logged and the next hour tries again; the process may end while
 * it waits.
 */
export function everyHour(name: string, work: () => Promise<void>, log: Logger): { stop(): void } {
  const timer = setInterval(() => {
    work().catch((err: unknown) => log.warn({ err }, `${name} failed`));
  }, HOUR_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
