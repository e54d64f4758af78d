import { AerostackError } from "@aerostack/contracts";
import type { Logger } from "./log.ts";

/**
 * Work that an answer does not wait for, so that its time does not tell what was found. What it loses when the process dies
 * is what a person would ask for again.
 */
export interface Background {
  /** @throws SERVICE_UNAVAILABLE when too much is running already */
  run(name: string, work: () => Promise<void>): void;
  /** Resolves when nothing runs. */
  idle(): Promise<void>;
}

const MAX_RUNNING = 500;

export function createBackground(log: Logger): Background {
  const running = new Set<Promise<void>>();
  return {
    run(name, work) {
      if (running.size >= MAX_RUNNING) throw new AerostackError("SERVICE_UNAVAILABLE", { retryAfterSeconds: 1 });
      const promise = work()
        .catch((err: unknown) => log.error({ err }, `${name} failed`))
        .finally(() => running.delete(promise));
      running.add(promise);
    },
    async idle() {
      while (running.size > 0) await Promise.all(running);
    },
  };
}
