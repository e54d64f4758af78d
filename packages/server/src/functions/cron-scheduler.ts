import type { FunctionEnvironment } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import { Cron } from "croner";

/** One cron expression of one active function. */
export interface CronTrigger {
  readonly projectId: string;
  readonly functionId: string;
  readonly functionName: string;
  readonly environment: FunctionEnvironment;
  readonly cron: string;
  /** From when on its runs count: the time it became active, ms. */
  readonly activeSince: number;
}

export type CronRunStatus = "running" | "ok" | "failed" | "missed";

export interface CronRunRecord {
  readonly trigger: CronTrigger;
  /** The minute the run belongs to, ms. */
  readonly scheduledAt: number;
  readonly status: CronRunStatus;
  readonly error?: string;
}

export interface CronSchedulerOptions {
  readonly clock: Clock;
  readonly listTriggers: () => Promise<readonly CronTrigger[]>;
  /** The latest run on record of a trigger, ms, or null. */
  readonly lastRunAt: (trigger: CronTrigger) => Promise<number | null>;
  /** Records a run once; false when another node has it already. */
  readonly claim: (record: CronRunRecord) => Promise<boolean>;
  readonly finish: (record: CronRunRecord) => Promise<void>;
  readonly run: (trigger: CronTrigger, scheduledAt: number) => Promise<void>;
  readonly onMissed: (trigger: CronTrigger, scheduledAt: number) => void;
  readonly onError: (error: unknown) => void;
}

export interface CronScheduler {
  /** Looks for due runs now; resolves when those found have ended. */
  tick(): Promise<void>;
  start(): void;
  close(): Promise<void>;
}

/** A run that starts later than this after its minute was missed: it is reported, and not made up for. */
const MISSED_AFTER_MS = 90_000;
/** Missed runs of one trigger that are recorded one by one after a long stop. */
const MAX_MISSED_RECORDED = 100;
const TICK_MS = 1000;

/**
 * When a cron expression falls due after `after`, ms (UTC); null when never again.
 *
 * @throws when the expression is not five valid fields
 */
export function nextCronRun(cron: string, after: number): number | null {
  return new Cron(cron, { timezone: "UTC", mode: "5-part" }).nextRun(new Date(after))?.getTime() ?? null;
}

/** Runs functions' `scheduled()` by cron, each run once among all nodes, and reports the runs that a stop made it miss. */
export function createCronScheduler(options: CronSchedulerOptions): CronScheduler {
  const running = new Set<Promise<void>>();
  /** When each trigger falls due next: what saves a look at the store for all that are not due. */
  const nextDue = new Map<string, number | null>();
  const busy = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  async function runOnce(trigger: CronTrigger, scheduledAt: number): Promise<void> {
    const record = { trigger, scheduledAt };
    if (!(await options.claim({ ...record, status: "running" }))) return;
    try {
      await options.run(trigger, scheduledAt);
      await options.finish({ ...record, status: "ok" });
    } catch (error) {
      await options.finish({
        ...record,
        status: "failed",
        error: error instanceof Error ? error.message : String(error),
      });
    }
  }

  async function runDue(trigger: CronTrigger, key: string, now: number): Promise<void> {
    const known = nextDue.get(key);
    if (known === null || (known !== undefined && known > now)) return;
    const last = Math.max((await options.lastRunAt(trigger)) ?? 0, trigger.activeSince);
    let due = nextCronRun(trigger.cron, last);
    let missed = 0;
    while (due !== null && due <= now) {
      const late = now - due > MISSED_AFTER_MS;
      if (!late) {
        await runOnce(trigger, due);
      } else if (await options.claim({ trigger, scheduledAt: due, status: "missed" })) {
        missed++;
        options.onMissed(trigger, due);
      }
      // After a long stop the rest is skipped over, up to the runs that are not late.
      const after: number = late && missed >= MAX_MISSED_RECORDED ? Math.max(due, now - MISSED_AFTER_MS) : due;
      due = nextCronRun(trigger.cron, after);
    }
    nextDue.set(key, due);
  }

  async function tick(): Promise<void> {
    const now = options.clock.now();
    const triggers = await options.listTriggers();
    const keys = new Set<string>();
    const runs = triggers.map(async (trigger) => {
      const key = `${trigger.functionId}/${trigger.environment}/${trigger.cron}/${trigger.activeSince}`;
      keys.add(key);
      // A run that is still going holds back only its own trigger.
      if (busy.has(key)) return;
      busy.add(key);
      try {
        await runDue(trigger, key, now);
      } catch (error) {
        options.onError(error);
      } finally {
        busy.delete(key);
      }
    });
    for (const key of nextDue.keys()) if (!keys.has(key)) nextDue.delete(key);
    await Promise.all(runs);
  }

  return {
    tick,
    start() {
      timer = setInterval(() => {
        const run = tick()
          .catch(options.onError)
          .finally(() => running.delete(run));
        running.add(run);
      }, TICK_MS);
      timer.unref();
    },
    async close() {
      clearInterval(timer);
      await Promise.allSettled(running);
    },
  };
}
