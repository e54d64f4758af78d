import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import { hasDurableObjects } from "../config/build-config.ts";
import type { RuntimeLimits } from "../limits.ts";
import { describeFault } from "../process/fault.ts";
import type { Launch } from "../process/launch-process.ts";
import type { ProcessEnd, ProcessRoute, WorkerProcess } from "../process/worker-process.ts";
import type { ProjectSpec, ProjectStats, RuntimeEvent, StopReason } from "../types.ts";
import { createBackoff } from "./backoff.ts";
import { nextAlarmAt } from "./next-alarm.ts";

type WithoutOrigin<Event> = Event extends unknown ? Omit<Event, "projectId" | "time"> : never;

export interface ProjectSupervisorOptions {
  readonly projectId: string;
  readonly limits: RuntimeLimits;
  readonly launch: Launch;
  readonly onEvent: (event: WithoutOrigin<RuntimeEvent>) => void;
  /** Called before a process is started: the place to make room. */
  readonly beforeStart: () => void;
  /** Where the project's Durable Objects are kept. */
  readonly durableObjectDirectory: string;
  readonly clock: Clock;
}

/** Longest wait that a timer takes at once. */
const MAX_TIMER_MS = 60 * 60 * 1000;

/**
 * The life of one project's process: starts it when it is asked for, replaces it when the project changes, stops it when
 * it is idle, and leaves it alone for a while when it keeps crashing.
 */
export class ProjectSupervisor {
  readonly projectId: string;
  private readonly options: ProjectSupervisorOptions;
  private readonly backoff: ReturnType<typeof createBackoff>;
  private spec: ProjectSpec;
  /** What a swap in progress is about to run. */
  private upcoming: ProjectSpec | null = null;
  private current: WorkerProcess | null = null;
  private starting: Promise<WorkerProcess> | null = null;
  /** Pending while requests must wait for an exclusive swap. */
  private hold: Promise<void> | null = null;
  /** Processes that take no new requests, or only those that were promised to them. */
  private readonly retiring = new Map<WorkerProcess, Promise<void>>();
  private turn: Promise<unknown> = Promise.resolve();
  private removed = false;
  private alarm: NodeJS.Timeout | undefined;

  constructor(spec: ProjectSpec, options: ProjectSupervisorOptions) {
    this.spec = spec;
    this.projectId = options.projectId;
    this.options = options;
    this.backoff = createBackoff(options.limits);
    this.setAlarm();
  }

  route(functionKey: string): ProcessRoute | Promise<ProcessRoute> {
    if (this.hold === null && !this.removed) {
      const route = this.current?.routes.get(functionKey);
      if (route !== undefined) return route;
    }
    return this.routeWhenReady(functionKey);
  }

  private async routeWhenReady(functionKey: string): Promise<ProcessRoute> {
    for (;;) {
      if (this.removed) throw this.notFound(functionKey);
      if (this.hold !== null) {
        await this.hold;
        continue;
      }
      const route = this.current?.routes.get(functionKey) ?? this.retiringRoute(functionKey);
      if (route !== undefined) return route;
      if (this.upcoming !== null && hasFunction(this.upcoming, functionKey)) {
        // Its version is on the way; when the swap fails the next round finds nothing.
        await this.turn.catch(() => {});
        continue;
      }
      if (this.current !== null || !hasFunction(this.spec, functionKey)) throw this.notFound(functionKey);
      await this.start();
    }
  }

  private retiringRoute(functionKey: string): ProcessRoute | undefined {
    for (const process of this.retiring.keys()) {
      const route = process.stoppedFor === null ? process.routes.get(functionKey) : undefined;
      if (route !== undefined) return route;
    }
    return undefined;
  }

  private notFound(functionKey: string): AerostackError {
    return new AerostackError("FUNCTION_NOT_FOUND", { message: `There is no function '${functionKey}'.` });
  }

  /** Starts the process; all who ask meanwhile share one start. */
  private start(): Promise<WorkerProcess> {
    if (this.starting !== null) return this.starting;
    const waitMs = this.backoff.remainingMs(performance.now());
    if (waitMs > 0) {
      return Promise.reject(
        new AerostackError("FUNCTION_BACKOFF", { retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) }),
      );
    }
    const spec = this.spec;
    this.starting = this.launchAlone(spec)
      .then(
        (process) => this.adopt(process),
        (error: unknown) => {
          this.recordStartFailure(error);
          throw new AerostackError("FUNCTION_CRASHED", {
            message: "The function's process did not start.",
            fix: "Look at the project's log for the reason, and deploy a version that starts.",
            details: { functionKey: null, candidates: [], retryable: false, mayHaveRun: false },
            cause: error,
          });
        },
      )
      .finally(() => {
        this.starting = null;
      });
    return this.starting;
  }

  /** With Durable Objects: not before every other process that may own them is gone. */
  private async launchAlone(spec: ProjectSpec): Promise<WorkerProcess> {
    if (hasDurableObjects(spec)) await Promise.all(this.retiring.values());
    return await this.launch(spec);
  }

  private async launch(spec: ProjectSpec): Promise<WorkerProcess> {
    this.options.beforeStart();
    const process = await this.options.launch(spec, "serve");
    this.options.onEvent({ type: "process.started", startMs: process.startMs, pid: process.pid });
    process.ended.then(
      (end) => this.afterEnd(process, end),
      () => {},
    );
    return process;
  }

  private adopt(process: WorkerProcess): WorkerProcess {
    this.serveWith(process);
    if (this.removed) this.retire(process, "removed", 0);
    return process;
  }

  private serveWith(process: WorkerProcess): void {
    this.current = process.hasEnded ? null : process;
  }

  private afterEnd(process: WorkerProcess, end: ProcessEnd): void {
    if (this.current === process) this.current = null;
    if (end.fault === null) {
      this.options.onEvent({ type: "process.stopped", reason: process.stoppedFor ?? "closed" });
      this.setAlarm();
      return;
    }
    const names = new Map(this.spec.functions.map((one) => [one.key, one.name]));
    this.options.onEvent({
      type: "process.failed",
      code: end.fault.code,
      functionKey: end.fault.culprit?.functionKey ?? end.fault.candidates[0] ?? null,
      message: describeFault(end.fault, (key) => names.get(key) ?? key),
      output: end.exit.output,
    });
    this.recordFailure(end.uptimeMs);
    this.setAlarm();
  }

  /** Objects that set an alarm are woken although nobody asks for them. */
  private setAlarm(): void {
    clearTimeout(this.alarm);
    const isStopped = this.current === null && this.starting === null && this.retiring.size === 0 && this.hold === null;
    if (this.removed || !isStopped || !hasDurableObjects(this.spec)) return;
    const at = nextAlarmAt(this.options.durableObjectDirectory);
    if (at === null) return;
    const waitMs = Math.max(at - this.options.clock.now(), this.backoff.remainingMs(performance.now()), 0);
    this.alarm = setTimeout(
      () => {
        if (waitMs > MAX_TIMER_MS) this.setAlarm();
        else if (!this.removed && this.current === null && this.hold === null)
          this.start().catch(() => this.setAlarm());
      },
      Math.min(waitMs, MAX_TIMER_MS),
    );
    this.alarm.unref();
  }

  private recordStartFailure(error: unknown): void {
    const known = error instanceof AerostackError;
    this.options.onEvent({
      type: "process.failed",
      code: "FUNCTION_START_FAILED",
      functionKey: null,
      message: known ? error.message : "The process did not start.",
      output: known ? "" : String(error),
    });
    this.recordFailure(0);
  }

  private recordFailure(uptimeMs: number): void {
    const pauseMs = this.backoff.fail(performance.now(), uptimeMs);
    if (pauseMs > 0) {
      this.options.onEvent({ type: "process.backoff", retryAfterMs: pauseMs, failures: this.backoff.failures });
    }
  }

  /** Makes `spec` what runs. Changes of one project happen one after another. */
  configure(spec: ProjectSpec): Promise<void> {
    return this.inTurn(async () => {
      if (this.starting !== null) await this.starting.catch(() => {});
      this.backoff.reset();
      if (this.current === null) {
        this.spec = spec;
        this.setAlarm();
        return;
      }
      if (JSON.stringify(spec) === JSON.stringify(this.spec)) return;
      this.upcoming = spec;
      try {
        if (hasDurableObjects(this.spec) || hasDurableObjects(spec)) await this.swapExclusively(spec);
        else await this.swap(spec);
      } finally {
        this.upcoming = null;
      }
    });
  }

  /** The new process starts beside the old one, which goes on serving until then and drains after. */
  private async swap(spec: ProjectSpec): Promise<void> {
    const next = await this.launch(spec);
    // The old one may have crashed meanwhile and be about to come back.
    if (this.starting !== null) await this.starting.catch(() => {});
    const old = this.current;
    this.spec = spec;
    this.serveWith(next);
    if (old !== null) this.retire(old, "swapped", this.options.limits.drainMs);
  }

  /** The old process ends before the new one starts; requests wait meanwhile. */
  private async swapExclusively(spec: ProjectSpec): Promise<void> {
    const before = this.spec;
    const held = Promise.withResolvers<void>();
    this.hold = held.promise;
    try {
      await this.endCurrent("swapped");
      this.spec = spec;
      try {
        this.serveWith(await this.launch(spec));
      } catch (error) {
        // Back to what served before; if even that does not start now, the next request tries again.
        this.spec = before;
        const again = await this.launch(before).catch(() => null);
        if (again !== null) this.serveWith(again);
        throw error;
      }
    } finally {
      this.hold = null;
      held.resolve();
    }
  }

  /** Lets requests in progress end, for a short time, and stops the process. Resolves when none of the project is left. */
  private async endCurrent(reason: StopReason): Promise<void> {
    const old = this.current;
    if (old !== null) {
      await old.flights.drained("request", this.options.limits.exclusiveDrainMs);
      await old.stop(reason);
      this.current = null;
    }
    await Promise.all([...this.retiring.keys()].map((process) => process.stop(reason)));
    await Promise.all(this.retiring.values());
  }

  private retire(process: WorkerProcess, reason: StopReason, drainMs: number): void {
    if (this.current === process) this.current = null;
    const run = (async () => {
      if (drainMs > 0) {
        // A route handed out just before is used within the grace, and then counts as a flight.
        await Promise.race([process.ended, delay(Math.min(drainMs, this.options.limits.retireGraceMs))]);
        await Promise.race([process.ended, process.flights.drained("any", drainMs)]);
      }
      await process.stop(reason);
    })()
      .catch(() => {})
      .finally(() => {
        this.retiring.delete(process);
        this.setAlarm();
      });
    this.retiring.set(process, run);
  }

  /** How long it has had nothing to do, ms; null when it does not run or is busy. */
  idleMs(now: number): number | null {
    const { current } = this;
    if (current === null || current.flights.size > 0 || this.hold !== null || this.upcoming !== null) return null;
    return now - current.flights.idleSince;
  }

  get isActive(): boolean {
    return this.current !== null || this.starting !== null;
  }

  /** Stops an idle process; the next request starts it again. */
  stopIdle(reason: "idle" | "evicted"): void {
    if (this.current !== null) this.retire(this.current, reason, 0);
  }

  /** Serves no more; resolves when no process is left. */
  remove(): Promise<void> {
    this.removed = true;
    clearTimeout(this.alarm);
    return this.inTurn(async () => {
      if (this.starting !== null) await this.starting.catch(() => {});
      await this.endCurrent("removed");
    });
  }

  /** As `remove`, with the full time to drain. */
  close(): Promise<void> {
    this.removed = true;
    clearTimeout(this.alarm);
    return this.inTurn(async () => {
      if (this.starting !== null) await this.starting.catch(() => {});
      if (this.current !== null) this.retire(this.current, "closed", this.options.limits.drainMs);
      await Promise.all(this.retiring.values());
    });
  }

  stats(): ProjectStats {
    const { current } = this;
    const inBackoff = this.backoff.remainingMs(performance.now()) > 0;
    const idleState = this.starting !== null ? "starting" : inBackoff ? "backoff" : "stopped";
    return {
      projectId: this.projectId,
      state: this.upcoming !== null ? "swapping" : current !== null ? "running" : idleState,
      pid: current?.pid ?? null,
      flights: current?.flights.size ?? 0,
      uptimeMs: current?.uptimeMs ?? 0,
      startMs: current?.startMs ?? null,
      memoryBytes: current?.memoryBytes ?? 0,
      failures: this.backoff.failures,
    };
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const run = this.turn.then(work, work);
    this.turn = run.catch(() => {});
    return run;
  }
}

function hasFunction(spec: ProjectSpec, functionKey: string): boolean {
  return spec.functions.some((one) => one.key === functionKey);
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
