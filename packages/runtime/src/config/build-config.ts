import { relative } from "node:path";
import { readWhole } from "../stored-file.ts";
import type { FunctionSpec, ProjectSpec } from "../types.ts";
import { encodeConfig } from "./encode-config.ts";
import { D1_MODULE, functionBindings, type HostResourceKind } from "./function-bindings.ts";
import { mainModules } from "./main-module.ts";
import {
  FORMAT_MODULE,
  type LogLimits,
  OBSERVE_MODULE,
  observedFlags,
  observedModules,
  TELL_MODULE,
  WATCH_MODULE,
} from "./observed-worker.ts";
import { findOwner, findTarget } from "./validate-spec.ts";
import type {
  ServiceDesignator,
  WorkerdBinding,
  WorkerdExternal,
  WorkerdModule,
  WorkerdService,
  WorkerdWorker,
} from "./workerd-config.ts";

/** Headers by which the platform's own services know which process asks, and for what. User code cannot set them. */
export const TOKEN_HEADER = "x-aero-token";
export const BINDING_HEADER = "x-aero-binding";
/** Name of the socket of the trusted worker inside each process. */
export const ENTRY_SOCKET = "entry";

const ENTRY_SERVICE = "entry";
const EGRESS_SERVICE = "egress";
const CACHE_SERVICE = "cache";
const TAIL_SERVICE = "log";
const DISK_SERVICE = "objects";
const ENTRY_COMPATIBILITY_DATE = "2026-07-01";

export interface ConfigContext {
  /** `check`: nothing is kept, and what is missing has been refused before. */
  readonly mode: "serve" | "check";
  /** Secret of this one process. */
  readonly token: string;
  /** Working directory of the process, where its sockets are. */
  readonly directory: string;
  readonly hostSocketPath: string;
  readonly tailSocketPath: string;
  readonly egressSocketPath: string;
  readonly assetsSocketPath: string;
  /** Where the project's Durable Objects are kept. */
  readonly durableObjectDirectory: string;
  /** Sources of the trusted worker, of what observes functions, and of what both format lines with. */
  readonly entrySource: string;
  readonly observeSource: string;
  readonly watchSource: string;
  readonly formatSource: string;
  /** Source of what says of which delivery an exception is. */
  readonly tellSource: string;
  /** Source of the module behind D1 bindings. */
  readonly d1Source: string;
  readonly v8Flags: readonly string[];
  readonly logLimits: LogLimits;
}

export interface BuiltConfig {
  readonly message: Buffer;
  /** Name of each function's socket within the working directory, by function key. */
  readonly sockets: ReadonlyMap<string, string>;
  /** Keys of the functions that write what they log to the process's output; the others have a tail worker. */
  readonly observed: ReadonlySet<string>;
}

/** True when the project has objects whose storage only one process may own at a time. */
export function hasDurableObjects(project: ProjectSpec): boolean {
  return project.functions.some((spec) => spec.config.durableObjects.length > 0);
}

/** Names a function's service; the position keeps it short and free of what user code chose. */
export function functionService(index: number): string {
  return `fn${index}`;
}

/** The configuration of a project's process: its functions, what they are bound to, and the trusted worker beside them. */
export async function buildConfig(project: ProjectSpec, context: ConfigContext): Promise<BuiltConfig> {
  const { functions } = project;
  const services = new Map<string, WorkerdService>();
  const add = (service: WorkerdService): string => {
    services.set(service.name, service);
    return service.name;
  };
  const external = (socketPath: string, binding: string, rest: Partial<WorkerdExternal> = {}): WorkerdExternal => ({
    path: relative(context.directory, socketPath),
    headers: { [TOKEN_HEADER]: context.token, [BINDING_HEADER]: binding },
    ...rest,
  });
  const indexOf = (spec: FunctionSpec): string => functionService(functions.indexOf(spec));

  add({ name: EGRESS_SERVICE, external: external(context.egressSocketPath, "egress", { proxyStyle: true }) });
  add({ name: TAIL_SERVICE, external: external(context.tailSocketPath, "tail") });
  add({ name: CACHE_SERVICE, external: external(context.assetsSocketPath, "cache") });
  if (context.mode === "serve" && hasDurableObjects(project)) {
    add({ name: DISK_SERVICE, disk: { path: context.durableObjectDirectory } });
  }

  const modules = await Promise.all(functions.map((spec) => readModules(spec)));
  const observed = await Promise.all(
    functions.map((spec, index) =>
      context.mode === "serve" ? observedModules(spec, modules[index] ?? [], context.logLimits) : null,
    ),
  );
  functions.forEach((spec, index) => {
    const bindings = functionBindings(project, spec, {
      hostService: (kind: HostResourceKind, resource) =>
        add({ name: `${kind}:${resource}`, external: external(context.hostSocketPath, `${kind}:${resource}`) }),
      assetsService: () =>
        add({ name: `assets:${index}`, external: external(context.assetsSocketPath, `assets:${spec.key}`) }),
      functionService: (binding, name, entrypoint): ServiceDesignator => {
        const target = findTarget(spec, name, functions);
        if (target === undefined) return { service: add(missingFunction(binding, name)) };
        return { service: indexOf(target), ...(entrypoint === undefined ? {} : { entrypoint }) };
      },
      durableObjectService: (className) => indexOf(findOwner(spec, className, functions) ?? spec),
    });
    const own = modules[index] ?? [];
    const instead = observed[index] ?? null;
    const loaded = instead ?? [...mainModules(spec, own, context), ...own];
    const flags = instead === null ? {} : { compatibilityFlags: observedFlags(spec) };
    const tails =
      instead === null ? [{ service: ENTRY_SERVICE, props: JSON.stringify({ functionKey: spec.key }) }] : [];
    add({
      name: functionService(index),
      worker: { ...userWorker(project, spec, loaded, bindings, context), ...flags, tails },
    });
  });
  add({ name: ENTRY_SERVICE, worker: entryWorker(functions, context) });

  const sockets = new Map(functions.map((spec, index) => [spec.key, `f${index}`]));
  const message = encodeConfig({
    services: [...services.values()],
    sockets: [
      ...functions.map((_spec, index) => ({ name: `f${index}`, path: `f${index}`, service: functionService(index) })),
      { name: ENTRY_SOCKET, path: ENTRY_SOCKET, service: ENTRY_SERVICE },
    ],
    v8Flags: context.v8Flags,
    extensions: [
      { name: D1_MODULE, source: context.d1Source, internal: true },
      { name: FORMAT_MODULE, source: context.formatSource, internal: true },
      { name: WATCH_MODULE, source: context.watchSource, internal: true },
      { name: TELL_MODULE, source: context.tellSource, internal: true },
      { name: OBSERVE_MODULE, source: context.observeSource, internal: false },
    ],
  });
  const keys = functions.filter((_spec, index) => observed[index] !== null).map((spec) => spec.key);
  return { message, sockets, observed: new Set(keys) };
}

function readModules(spec: FunctionSpec): Promise<WorkerdModule[]> {
  return Promise.all(
    spec.modules.map(async ({ name, type, open }) => ({ name, type, content: await readWhole(open) })),
  );
}

function userWorker(
  project: ProjectSpec,
  spec: FunctionSpec,
  modules: readonly WorkerdModule[],
  bindings: readonly WorkerdBinding[],
  context: ConfigContext,
): Omit<WorkerdWorker, "tails"> {
  const owned = new Set(
    spec.config.durableObjects
      .map(({ className }) => className)
      .filter((className) => findOwner(spec, className, project.functions)?.key === spec.key),
  );
  return {
    modules,
    compatibilityDate: spec.compatibilityDate,
    compatibilityFlags: spec.compatibilityFlags,
    bindings,
    globalOutbound: EGRESS_SERVICE,
    cacheApiOutbound: CACHE_SERVICE,
    // The key decides the objects' ids and their folder: it must stay the same from version to version.
    durableObjects: [...owned].map((className) => ({
      className,
      uniqueKey: `${project.projectId}.${spec.name}.${spec.environment}.${className}`,
    })),
    durableObjectDisk: context.mode === "serve" ? DISK_SERVICE : null,
  };
}

/** Answers for a function that has been deleted since another one bound it; only that binding fails. */
function missingFunction(binding: string, name: string): WorkerdService {
  const problem = `The binding '${binding}' refers to the function '${name}', which is not deployed any more.`;
  const source = `export default { fetch() { throw new Error(${JSON.stringify(problem)}); } };`;
  return {
    name: `missing:${binding}:${name}`,
    worker: {
      modules: [{ name: "missing.js", type: "esm", content: Buffer.from(source) }],
      compatibilityDate: ENTRY_COMPATIBILITY_DATE,
      compatibilityFlags: [],
      bindings: [],
      globalOutbound: EGRESS_SERVICE,
      durableObjects: [],
      durableObjectDisk: null,
      tails: [],
    },
  };
}

function entryWorker(functions: readonly FunctionSpec[], context: ConfigContext): WorkerdWorker {
  return {
    modules: [
      { name: "entry.js", type: "esm", content: Buffer.from(context.entrySource) },
      { name: "format-line.js", type: "esm", content: Buffer.from(context.formatSource) },
    ],
    compatibilityDate: ENTRY_COMPATIBILITY_DATE,
    // Lets this worker call queue() and scheduled() of the functions it is bound to.
    compatibilityFlags: ["service_binding_extra_handlers"],
    bindings: [
      { name: "TAIL", type: "service", target: { service: TAIL_SERVICE } },
      ...functions.map(
        (_spec, index): WorkerdBinding => ({
          name: functionService(index),
          type: "service",
          target: { service: functionService(index) },
        }),
      ),
    ],
    globalOutbound: EGRESS_SERVICE,
    durableObjects: [],
    durableObjectDisk: null,
    tails: [],
  };
}
