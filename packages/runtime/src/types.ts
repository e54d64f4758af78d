import type { AerostackError, DeployConfig, FunctionEnvironment, ModuleType } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { AssetFile } from "./assets/asset-manifest.ts";
import type { FunctionPool } from "./http/function-pool.ts";
import type { RuntimeLimits } from "./limits.ts";
import type { OpenFile } from "./stored-file.ts";

/** A module of a bundle; the first of a function's modules is its entry point and must be `esm`. */
export interface ModuleSpec {
  /** How other modules import it, such as `worker.js` or `lib/a.wasm`. */
  readonly name: string;
  readonly type: ModuleType;
  /** Its content. */
  readonly open: OpenFile;
  /** Of its content, hex: what tells it from another of the same name. */
  readonly sha256: string;
}

/** One version of one function, with all that its process needs. */
export interface FunctionSpec {
  /** Unique within the project, such as `api@production@7`. */
  readonly key: string;
  readonly name: string;
  readonly environment: FunctionEnvironment;
  readonly versionNumber: number;
  /** Where two versions share an environment: service bindings stay within `stable` or `candidate` where they can. */
  readonly rollout?: "stable" | "candidate";
  readonly modules: readonly ModuleSpec[];
  /** `YYYY-MM-DD`. */
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  readonly config: DeployConfig;
  readonly secrets: Readonly<Record<string, string>>;
  /** What the function reads as `env.AEROSTACK_API_KEY`. */
  readonly apiKey: string;
  readonly assets?: readonly AssetFile[];
}

/** What is to run of one project, in one process. */
export interface ProjectSpec {
  readonly projectId: string;
  readonly projectSlug: string;
  /** What functions read as `env.AEROSTACK_API_URL`. */
  readonly apiUrl: string;
  readonly functions: readonly FunctionSpec[];
}

/** A line that a function logged, or an exception that it let through. */
export interface TailEntry {
  readonly projectId: string;
  /** Null where the line speaks of the whole project (lines dropped in a flood). */
  readonly functionKey: string | null;
  readonly kind: "console" | "exception";
  readonly level: "debug" | "info" | "warn" | "error";
  /** Milliseconds since the Unix epoch, as the function saw it. */
  readonly time: number;
  readonly requestId: string | null;
  /** As the console prints it; at most 16,384 characters. */
  readonly message: string;
  readonly exception?: { readonly name: string; readonly message: string; readonly stack: string | null };
}

/** Why a process was stopped on purpose. */
export type StopReason = "idle" | "swapped" | "evicted" | "removed" | "closed";

/** Something that happened to a project's process or its traffic, for its log and the operator's metrics. */
export type RuntimeEvent = { readonly projectId: string; readonly time: number } & (
  | { readonly type: "process.started"; readonly startMs: number; readonly pid: number }
  | { readonly type: "process.stopped"; readonly reason: StopReason }
  | {
      readonly type: "process.failed";
      readonly code: "FUNCTION_CPU_LIMIT" | "FUNCTION_MEMORY_LIMIT" | "FUNCTION_CRASHED" | "FUNCTION_START_FAILED";
      /** The function most probably at fault. */
      readonly functionKey: string | null;
      readonly message: string;
      /** Last lines that the process itself wrote; for the operator, never for callers. */
      readonly output: string;
    }
  | { readonly type: "process.backoff"; readonly retryAfterMs: number; readonly failures: number }
  | { readonly type: "egress.blocked"; readonly host: string; readonly reason: string }
  | { readonly type: "egress.limited"; readonly host: string }
);

/** One request, stream or WebSocket that a function's process is busy with. */
export interface Flight {
  /**
   * Must be called once, when the exchange is over in whatever way. Calling it again does nothing. `abandoned`: the client
   * left first, so that its end says nothing of the process.
   */
  end(how?: "answered" | "abandoned"): void;
  /**
   * Why the process broke the connection: waits for its end (two seconds at most). To be called before `end()`.
   * FUNCTION_CPU_LIMIT, FUNCTION_MEMORY_LIMIT or FUNCTION_CRASHED; the message names the function at fault; details are
   * `{functionKey, candidates, retryable, mayHaveRun}`. `retryable`: another request brought the process down;
   * `mayHaveRun` false: this one had not begun, so that even a write can be repeated.
   */
  explain(error: unknown): Promise<AerostackError>;
}

/** The way to one function of a running process. Ask the runtime for it anew for every request. */
export interface Route {
  readonly functionKey: string;
  /** Carries requests to it. */
  readonly pool: FunctionPool;
  /** Unix socket, for piping raw WebSocket upgrades. */
  readonly socketPath: string;
  /** Marks the start of an exchange. `socket`: an exclusive swap does not wait for it. */
  begin(kind?: "request" | "socket"): Flight;
}

/** A message as the data host leases it. */
export interface QueueMessage {
  readonly id: string;
  /** When it was sent, milliseconds since the Unix epoch. */
  readonly timestamp: number;
  /** Deliveries so far, this one included. */
  readonly attempts: number;
  readonly contentType: string;
  /** Base64 of the body in the content type's encoding. */
  readonly body: string;
}

/** What a function's `queue()` said of a batch, in the runtime's own words. */
export interface QueueOutcome {
  /** `ok`, or why it did not end well: `exception`, `canceled`, … */
  readonly outcome: string;
  /** The exception's name and message where `queue()` failed with one: user code's words, a line of at most 1 KB. */
  readonly error: string | null;
  readonly ackAll: boolean;
  readonly retryBatch: { readonly retry: boolean; readonly delaySeconds?: number };
  readonly explicitAcks: readonly string[];
  readonly retryMessages: readonly { readonly msgId: string; readonly delaySeconds?: number }[];
}

export interface ScheduledOutcome {
  readonly outcome: string;
  /** True when the function called `controller.noRetry()`. */
  readonly noRetry: boolean;
}

export interface ProjectStats {
  readonly projectId: string;
  readonly state: "stopped" | "starting" | "running" | "swapping" | "backoff";
  readonly pid: number | null;
  readonly flights: number;
  readonly uptimeMs: number;
  readonly startMs: number | null;
  /** Private memory at the last look. */
  readonly memoryBytes: number;
  readonly failures: number;
}

export interface RuntimeStats {
  readonly projects: readonly ProjectStats[];
  readonly activeProcesses: number;
  readonly starts: number;
  readonly failures: number;
  readonly egressInFlight: number;
}

export interface RuntimeLogger {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export interface RuntimeOptions {
  /** Absolute path of the platform's data directory. Sockets live in `<dataDir>/run`. */
  readonly dataDir: string;
  readonly clock: Clock;
  readonly logger: RuntimeLogger;
  /** Origin of the platform; functions may reach exactly this host and port although it is a private address. */
  readonly platformOrigin: string;
  readonly limits?: Partial<RuntimeLimits>;
  /** Defaults to the binary of the workerd package. */
  readonly workerdPath?: string;
  /** Further private `host:port` that functions may reach; `*.name:port` stands for every name below. */
  readonly egressAllow?: readonly string[];
  /** Defaults to the system's resolver. */
  readonly egressLookup?: EgressLookup;
  /** Socket of the data host; defaults to `<dataDir>/run/host.sock`. */
  readonly hostSocketPath?: string;
  /** File with the module behind D1 bindings; without it they are the runtime's own D1 API. */
  readonly d1BindingModulePath?: string;
  /** Tells the data host that requests with this token belong to the project. */
  readonly registerGrant: (token: string, projectId: string) => void | Promise<void>;
  readonly revokeGrant: (token: string) => void | Promise<void>;
  readonly onTail: (entries: readonly TailEntry[]) => void;
  readonly onEvent: (event: RuntimeEvent) => void;
}

export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}
/** Finds the addresses of a host name. */
export type EgressLookup = (hostname: string) => Promise<readonly ResolvedAddress[]>;

export interface Runtime {
  /**
   * Makes `spec` what the project runs. A running process is swapped without losing a request: the new one starts beside
   * it, takes over once it listens, and the old one drains. With Durable Objects on either side the old process ends
   * before the new one starts, and requests wait meanwhile. Resolves once the new process serves, or at once when the
   * project does not run.
   *
   * @throws FUNCTION_START_FAILED; what ran before goes on.
   */
  configure(spec: ProjectSpec): Promise<void>;
  /** Stops the project and forgets it; requests in progress get a few seconds to end. */
  remove(projectId: string): Promise<void>;
  /**
   * Starts a throw-away process with this spec, without its data, and stops it again.
   *
   * @throws FUNCTION_START_FAILED with the runtime's own message
   */
  check(spec: ProjectSpec): Promise<void>;
  /**
   * The way to a function; at once when its process runs, else after starting it.
   *
   * @throws FUNCTION_NOT_FOUND; FUNCTION_BACKOFF with retryAfterSeconds while the project keeps crashing;
   * FUNCTION_CRASHED when it does not start
   */
  route(projectId: string, functionKey: string): Route | Promise<Route>;
  /**
   * Hands a batch to the function's `queue()`.
   *
   * @throws FUNCTION_TIMEOUT, FUNCTION_CRASHED and what `route` throws: nothing of the batch is settled then
   */
  dispatchQueue(
    projectId: string,
    functionKey: string,
    queueName: string,
    messages: readonly QueueMessage[],
    options?: { readonly timeoutMs?: number },
  ): Promise<QueueOutcome>;
  /** Calls the function's `scheduled()`. @throws as `dispatchQueue` */
  dispatchScheduled(
    projectId: string,
    functionKey: string,
    event: { readonly cron: string; readonly scheduledTimeMs: number },
    options?: { readonly timeoutMs?: number },
  ): Promise<ScheduledOutcome>;
  stats(): RuntimeStats;
  /** Takes no more requests, lets those in progress end (`drainMs`), and stops every process. */
  close(): Promise<void>;
}
