import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { AerostackError } from "@aerostack/contracts";
import { type Clock, randomText } from "@aerostack/kernel";
import { buildConfig, ENTRY_SOCKET, functionService, hasDurableObjects } from "../config/build-config.ts";
import type { RuntimeLimits } from "../limits.ts";
import type { EngineFailures } from "../tails/engine-failures.ts";
import { createFailedDeliveries } from "../tails/failed-deliveries.ts";
import type { LineIntake } from "../tails/line-intake.ts";
import { observeProcess } from "../tails/observe-process.ts";
import type { ProjectSpec } from "../types.ts";
import { type LaunchTools, launchCommand } from "./launch-command.ts";
import { createMemoryCap } from "./memory-cap.ts";
import type { ProcessRegistry } from "./process-registry.ts";
import { StartFailure, serveCommand, spawnWorkerd } from "./spawn-workerd.ts";
import { cleanStartMessage } from "./start-message.ts";
import { watchStart } from "./watch-start.ts";
import { WorkerProcess } from "./worker-process.ts";

export interface LauncherOptions {
  readonly dataDir: string;
  readonly workersDirectory: string;
  readonly workerdPath: string;
  readonly tools: LaunchTools;
  readonly limits: RuntimeLimits;
  readonly clock: Clock;
  readonly registry: ProcessRegistry;
  readonly intake: LineIntake;
  readonly hostSocketPath: string;
  readonly tailSocketPath: string;
  readonly egressSocketPath: string;
  readonly assetsSocketPath: string;
  readonly d1BindingModulePath: string | undefined;
  readonly registerGrant: (token: string, projectId: string) => void | Promise<void>;
  readonly revokeGrant: (token: string) => void | Promise<void>;
  readonly onGrantError: (error: unknown) => void;
}

/** Starts a project's process. `check`: without its data and without access to anything. @throws FUNCTION_START_FAILED */
export type Launch = (spec: ProjectSpec, mode: "serve" | "check") => Promise<WorkerProcess>;

const DIRECTORY_NAME_LENGTH = 8;
const TOKEN_LENGTH = 32;
const PLAIN_D1_SOURCE = 'export { default } from "cloudflare-internal:d1-api";\n';
const MEBIBYTE = 1024 * 1024;
/** Part of the memory limit that JavaScript objects of one function may take; buffers and the rest live outside it. */
const HEAP_SHARE = 0.75;

/**
 * V8 collects garbage when its heap has grown by a factor, and knows little of what requests hold outside of it: started
 * large, a "hello world" under load settles at 250 MB. Started small it stays at 50 to 100 MB, and is no slower.
 */
function v8Flags(limits: RuntimeLimits): readonly string[] {
  const heapMegabytes = Math.max(16, Math.floor((limits.memoryLimitBytes * HEAP_SHARE) / MEBIBYTE));
  return [`--max-old-space-size=${heapMegabytes}`, "--initial-heap-size=8", "--max-semi-space-size=2"];
}

/** Where the Durable Objects of a project are kept. */
export function durableObjectDirectory(dataDir: string, projectId: string): string {
  return join(dataDir, "host", "do", projectId);
}

export function createLauncher(options: LauncherOptions): Launch {
  const { limits, registry, tools } = options;
  const source = (name: string): string => readFileSync(new URL(`../workers/${name}.js`, import.meta.url), "utf8");
  const sources = {
    entrySource: source("entry"),
    observeSource: source("observe"),
    watchSource: source("watch-callbacks"),
    formatSource: source("format-line"),
    tellSource: source("tell-failures"),
  };
  const d1Source =
    options.d1BindingModulePath === undefined ? PLAIN_D1_SOURCE : readFileSync(options.d1BindingModulePath, "utf8");
  const memoryCap = createMemoryCap(tools, limits.memoryLimitBytes);
  const flags = v8Flags(limits);

  return async function launch(spec, mode) {
    const orderedAt = performance.now();
    const names = new Map(spec.functions.map((one) => [one.key, one.name]));
    const nameOf = (key: string): string => names.get(key) ?? key;
    const directory = join(options.workersDirectory, randomText(DIRECTORY_NAME_LENGTH));
    const token = randomText(TOKEN_LENGTH);
    const objectDirectory = durableObjectDirectory(options.dataDir, spec.projectId);

    const granted =
      mode === "serve" ? Promise.resolve(options.registerGrant(token, spec.projectId)) : Promise.resolve();
    granted.catch(() => {});
    if (mode === "serve" && hasDurableObjects(spec)) {
      await mkdir(objectDirectory, { recursive: true, mode: 0o700 });
    }
    const config = await buildConfig(spec, {
      mode,
      token,
      directory,
      hostSocketPath: options.hostSocketPath,
      tailSocketPath: options.tailSocketPath,
      egressSocketPath: options.egressSocketPath,
      assetsSocketPath: options.assetsSocketPath,
      durableObjectDirectory: objectDirectory,
      ...sources,
      d1Source,
      v8Flags: flags,
      logLimits: { linesPerSecond: limits.logLinesPerSecond, burst: limits.logLinesBurst },
    });
    const maxDataBytes = memoryCap.bytesFor(spec.functions.length);
    let failures: EngineFailures | null = null;
    const deliveries = createFailedDeliveries();
    const spawned = spawnWorkerd({
      command: launchCommand(tools, serveCommand(options.workerdPath), maxDataBytes),
      directory,
      config: config.message,
      sockets: new Set([...config.sockets.values(), ENTRY_SOCKET]),
      startTimeoutMs: limits.startTimeoutMs,
      onStreams:
        config.observed.size === 0
          ? null
          : (output, errors) => {
              failures = observeProcess(spec, output, errors, { ...options, deliveries });
            },
    });
    if (mode === "serve") registry.add(token, { projectId: spec.projectId, spec, failures });
    spawned.exited
      .then(async () => {
        registry.delete(token);
        if (mode === "serve") await options.revokeGrant(token);
      })
      .catch(options.onGrantError);

    try {
      await Promise.all([watchStart(spawned, limits), granted]);
    } catch (error) {
      spawned.signal("SIGKILL");
      await spawned.exited;
      throw startError(error, (service) => serviceName(spec, service));
    }
    if (maxDataBytes === null) await memoryCap.apply(spawned.pid, spec.functions.length);
    return new WorkerProcess({
      spawned,
      directory,
      sockets: config.sockets,
      entrySocket: ENTRY_SOCKET,
      limits,
      startMs: performance.now() - orderedAt,
      nameOf,
      failures,
      deliveries,
      observed: config.observed,
    });
  };
}

function serviceName(spec: ProjectSpec, service: string): string | undefined {
  return spec.functions.find((_one, index) => functionService(index) === service)?.name;
}

function startError(error: unknown, nameOf: (service: string) => string | undefined): unknown {
  if (!(error instanceof StartFailure)) return error;
  const message = cleanStartMessage(error.output, nameOf);
  return new AerostackError("FUNCTION_START_FAILED", {
    message: message === "" ? `The bundle does not start. ${error.message}` : message,
    cause: error,
  });
}
