import { join } from "node:path";
import type { AerostackError } from "@aerostack/contracts";
import { Pool } from "undici";
import { functionService } from "../config/build-config.ts";
import { createFunctionPool, type FunctionPool } from "../http/function-pool.ts";
import type { RuntimeLimits } from "../limits.ts";
import type { EngineFailures } from "../tails/engine-failures.ts";
import type { ExpectedFailure, FailedDeliveries } from "../tails/failed-deliveries.ts";
import type { Route, StopReason } from "../types.ts";
import {
  brokenConnectionError,
  createFault,
  type Fault,
  type FaultCode,
  faultError,
  findBlocking,
  lostDependencyError,
  wasNeverSent,
} from "./fault.ts";
import { FlightLedger, type OpenFlight } from "./flight-ledger.ts";
import { createProcessUsage, type ProcessUsage } from "./process-usage.ts";
import type { ProcessExit, SpawnedWorkerd } from "./spawn-workerd.ts";
import { createWatchdog, type Watchdog } from "./watchdog.ts";

export interface WorkerProcessOptions {
  readonly spawned: SpawnedWorkerd;
  readonly directory: string;
  /** Name of each function's socket in the directory, by function key. */
  readonly sockets: ReadonlyMap<string, string>;
  readonly entrySocket: string;
  readonly limits: RuntimeLimits;
  /** Time from the order to start it to its listening. */
  readonly startMs: number;
  /** Learns which requests the runtime failed; null where nobody needs to be told. */
  readonly failures: EngineFailures | null;
  /** What functions say that deliveries failed with, of those that write it to the process's output. */
  readonly deliveries: FailedDeliveries;
  readonly observed: ReadonlySet<string>;
  /** What users call the function. */
  readonly nameOf: (functionKey: string) => string;
}

/** A route that knows its process. */
export interface ProcessRoute extends Route {
  readonly process: WorkerProcess;
}

/** How a process ended. */
export interface ProcessEnd {
  readonly exit: ProcessExit;
  /** Null when it was stopped on purpose. */
  readonly fault: Fault | null;
  readonly uptimeMs: number;
}

const ENTRY_ORIGIN = "http://entry";
/** workerd closes a connection after five idle seconds; this side lets go earlier, so that no request meets the closing. */
const KEEP_ALIVE_MS = 3500;
/** How long an explanation waits for a process that broke a connection to end. */
const EXPLAIN_TIMEOUT_MS = 2000;
const FLUSH_TIMEOUT_MS = 1000;
/** Between asking a process to end and ending it. */
const TERMINATE_TIMEOUT_MS = 1000;
/** What V8 and the allocator print when memory runs out. */
const OUT_OF_MEMORY = /out of memory|heap limit|Cannot allocate memory/i;

/** One running workerd with the functions of a project: the ways into it, what it is busy with, and its end. */
export class WorkerProcess {
  readonly pid: number;
  readonly startMs: number;
  readonly flights: FlightLedger;
  readonly routes: ReadonlyMap<string, ProcessRoute>;
  /** Leads to the trusted worker. */
  readonly entry: Pool;
  readonly ended: Promise<ProcessEnd>;
  private readonly options: WorkerProcessOptions;
  private readonly usage: ProcessUsage;
  private readonly watchdog: Watchdog;
  private readonly pools: FunctionPool[] = [];
  private readonly startedAt = performance.now();
  private fault: Fault | null = null;
  private stopReason: StopReason | null = null;
  private stopping: Promise<void> | null = null;
  private gone = false;

  constructor(options: WorkerProcessOptions) {
    const { spawned, limits } = options;
    this.options = options;
    this.pid = spawned.pid;
    this.startMs = options.startMs;
    this.entry = this.openEntry();
    this.usage = createProcessUsage(spawned.pid);
    this.watchdog = createWatchdog({
      limits,
      usage: this.usage,
      busy: () => this.flights.size > 0,
      lastAnswerAt: () => this.flights.lastAnswerAt,
      probe: () => this.request("GET", "/probe", limits.stallLimitMs * 2),
      onFault: (code, reason, lastAliveAt, stoppedAt) => this.kill(code, reason, lastAliveAt, stoppedAt),
    });
    this.flights = new FlightLedger(
      (flight, error) => this.explain(flight, error),
      () => this.watchdog.wake(),
    );
    this.routes = new Map([...options.sockets].map(([key, socket]) => [key, this.createRoute(key, socket)]));
    this.ended = spawned.exited.then((exit) => this.finish(exit));
  }

  /** Name of the function's service, as the trusted worker knows it. */
  serviceOf(functionKey: string): string {
    return functionService([...this.routes.keys()].indexOf(functionKey));
  }

  /** Listens for what a delivery fails with; null where the trusted worker hears of it. */
  expectFailure(functionKey: string, messageId: string): ExpectedFailure | null {
    const { observed, deliveries } = this.options;
    return observed.has(functionKey) ? deliveries.expect(messageId) : null;
  }

  get uptimeMs(): number {
    return performance.now() - this.startedAt;
  }

  get memoryBytes(): number {
    return this.watchdog.memoryBytes();
  }

  get hasEnded(): boolean {
    return this.gone;
  }

  /** Null while it runs or when it ended by itself. */
  get stoppedFor(): StopReason | null {
    return this.stopReason;
  }

  /** Ends the process in order: its last log lines are fetched first. Whatever is still open is cut. */
  stop(reason: StopReason): Promise<void> {
    this.stopReason ??= reason;
    this.stopping ??= this.terminate();
    return this.stopping;
  }

  private async terminate(): Promise<void> {
    await this.request("POST", "/flush", FLUSH_TIMEOUT_MS).catch(() => {});
    this.watchdog.stop();
    const { spawned } = this.options;
    spawned.signal("SIGTERM");
    const timer = setTimeout(() => spawned.signal("SIGKILL"), TERMINATE_TIMEOUT_MS);
    await this.ended;
    clearTimeout(timer);
  }

  private kill(code: FaultCode, reason: string, lastAliveAt: number, stoppedAt: number): void {
    const open = this.flights.list();
    const culprit = code === "FUNCTION_MEMORY_LIMIT" ? (open.at(-1) ?? null) : findBlocking(open, lastAliveAt);
    this.fault ??= createFault(code, reason, open, culprit, stoppedAt);
    this.options.spawned.signal("SIGKILL");
  }

  private finish(exit: ProcessExit): ProcessEnd {
    this.gone = true;
    this.watchdog.stop();
    this.usage.close();
    if (this.stopReason === null && this.fault === null) {
      const open = this.flights.list();
      const outOfMemory = OUT_OF_MEMORY.test(exit.output);
      this.fault = createFault(
        outOfMemory ? "FUNCTION_MEMORY_LIMIT" : "FUNCTION_CRASHED",
        outOfMemory ? "it ran out of memory." : `it ended with ${exit.signal ?? `code ${exit.code}`}.`,
        open,
        open.at(-1) ?? null,
        performance.now(),
      );
    }
    const gone = new Error("the process has ended");
    for (const pool of this.pools) pool.destroy(gone);
    this.entry.destroy(gone).catch(() => {});
    return { exit, fault: this.fault, uptimeMs: this.uptimeMs };
  }

  private async explain(flight: OpenFlight, error: unknown): Promise<AerostackError> {
    const timeout = Promise.withResolvers<null>();
    const timer = setTimeout(() => timeout.resolve(null), EXPLAIN_TIMEOUT_MS);
    // Where it answers, nothing is gained by waiting for its end.
    const alive = this.request("GET", "/probe", EXPLAIN_TIMEOUT_MS).then(
      () => "alive" as const,
      () => timeout.promise,
    );
    const end = await Promise.race([this.ended, alive, timeout.promise]);
    clearTimeout(timer);
    if (end === "alive" && this.stopReason === null && !wasNeverSent(error)) return lostDependencyError(flight, error);
    const ended = end === "alive" ? null : end;
    const fault = ended?.fault ?? null;
    if (fault !== null) return faultError(fault, flight, error, this.options.nameOf);
    return brokenConnectionError(flight, error, ended !== null || (this.stopReason !== null && wasNeverSent(error)));
  }

  private openEntry(): Pool {
    return new Pool(ENTRY_ORIGIN, {
      socketPath: join(this.options.directory, this.options.entrySocket),
      connections: this.options.limits.connectionsPerFunction,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  private createRoute(functionKey: string, socket: string): ProcessRoute {
    const socketPath = join(this.options.directory, socket);
    const { failures } = this.options;
    const pool = createFunctionPool({
      socketPath,
      onFailed: (request, how) => failures?.broke(functionKey, headerOf(request.headers, "x-request-id"), how),
      maxConnections: this.options.limits.connectionsPerFunction,
      keepAliveMs: KEEP_ALIVE_MS,
    });
    this.pools.push(pool);
    return {
      process: this,
      functionKey,
      pool,
      socketPath,
      begin: (kind = "request") => this.flights.begin(functionKey, kind),
    };
  }

  /** A call of the trusted worker whose answer says nothing but that it came. */
  private async request(method: "GET" | "POST", path: string, timeoutMs: number): Promise<void> {
    const { body } = await this.entry.request({ method, path, headersTimeout: timeoutMs });
    await body.dump();
  }
}

function headerOf(headers: readonly string[], name: string): string | null {
  for (let index = 0; index < headers.length; index += 2)
    if (headers[index] === name) return headers[index + 1] ?? null;
  return null;
}
