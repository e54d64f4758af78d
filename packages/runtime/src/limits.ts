const MEBIBYTE = 1024 * 1024;

/** Every limit of the runtime; a caller overrides what it wants. */
export interface RuntimeLimits {
  /** How long requests in progress may go on in a process that is being replaced or shut down. */
  readonly drainMs: number;
  /** The same where requests wait for the old process to be gone: Durable Objects, removal. WebSockets are cut at once. */
  readonly exclusiveDrainMs: number;
  /** A process that is replaced lives at least this long, so that a route handed out just before still leads somewhere. */
  readonly retireGraceMs: number;
  /** A process without requests for this long is stopped. */
  readonly idleMs: number;
  /** Above this number of processes the one that has been idle longest is stopped for a new one. */
  readonly maxActiveProjects: number;
  /** A process that does not listen by then has failed to start. */
  readonly startTimeoutMs: number;
  /** CPU time a process may spend before it listens: on what its modules do when they are loaded. */
  readonly startCpuLimitMs: number;
  /** CPU time a process may spend without answering the watchdog. */
  readonly cpuLimitMs: number;
  /** Time a process may not answer although it spends no CPU. */
  readonly stallLimitMs: number;
  /** Private memory of one process. */
  readonly memoryLimitBytes: number;
  /** How often a busy process is asked for a sign of life. */
  readonly probeIntervalMs: number;
  /** How often the memory of a busy process is read. */
  readonly watchIntervalMs: number;
  /** How often a process without requests is looked after (it may still work in the background). */
  readonly idleWatchIntervalMs: number;
  /** Crashes that are followed by an immediate restart, before back-off sets in. */
  readonly freeRestarts: number;
  readonly backoffInitialMs: number;
  readonly backoffMaxMs: number;
  /** A process that has lived this long clears the record of crashes. */
  readonly healthyAfterMs: number;
  /** Default wall time of one `queue()` or `scheduled()` call. */
  readonly eventTimeoutMs: number;
  /** Outgoing requests of one project at once. */
  readonly egressConcurrency: number;
  readonly egressConnectTimeoutMs: number;
  /** Silence after which an outgoing request is given up. */
  readonly egressIdleMs: number;
  /** Connections to one function at once, WebSockets not counted. */
  readonly connectionsPerFunction: number;
  /** Log lines of one project per second, and how many it may save up. */
  readonly logLinesPerSecond: number;
  readonly logLinesBurst: number;
}

export const DEFAULT_RUNTIME_LIMITS: RuntimeLimits = {
  drainMs: 30_000,
  exclusiveDrainMs: 10_000,
  retireGraceMs: 250,
  idleMs: 5 * 60_000,
  maxActiveProjects: 200,
  startTimeoutMs: 15_000,
  startCpuLimitMs: 5000,
  cpuLimitMs: 10_000,
  stallLimitMs: 30_000,
  memoryLimitBytes: 256 * MEBIBYTE,
  probeIntervalMs: 250,
  watchIntervalMs: 100,
  idleWatchIntervalMs: 2000,
  freeRestarts: 3,
  backoffInitialMs: 1000,
  backoffMaxMs: 60_000,
  healthyAfterMs: 60_000,
  eventTimeoutMs: 60_000,
  egressConcurrency: 50,
  egressConnectTimeoutMs: 10_000,
  egressIdleMs: 120_000,
  connectionsPerFunction: 1024,
  logLinesPerSecond: 10_000,
  logLinesBurst: 10_000,
};
