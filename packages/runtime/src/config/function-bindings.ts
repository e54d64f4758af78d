import type { FunctionSpec, ProjectSpec } from "../types.ts";
import type { ServiceDesignator, WorkerdBinding } from "./workerd-config.ts";

/** Names of what every project has without asking; a deployment that uses a binding's name for something else wins. */
const DEFAULT_BINDINGS = {
  DB: "main",
  CACHE: "default",
  STORAGE: "default",
  QUEUE: "default",
} as const;

/** Kinds of resource that the data host answers for. */
export type HostResourceKind = "d1" | "kv" | "r2" | "queue";

/** Name of the module, internal to the process, that turns a service into a D1 database. */
export const D1_MODULE = "aerostack-internal:d1";

/** How a function's bindings reach what they stand for. */
export interface BindingTargets {
  /** Service that leads to a resource of the project in the data host. */
  readonly hostService: (kind: HostResourceKind, resource: string) => string;
  readonly assetsService: () => string;
  readonly functionService: (binding: string, name: string, entrypoint: string | undefined) => ServiceDesignator;
  /** Service of the function version that owns the class. */
  readonly durableObjectService: (className: string) => string;
}

/**
 * The bindings of one function: what its configuration names, the defaults that it does not use for something else, its
 * variables and its secrets. Further kinds (AI, Vectorize, Hyperdrive) join as further lines here and in `BindingTargets`.
 */
export function functionBindings(
  project: ProjectSpec,
  spec: FunctionSpec,
  targets: BindingTargets,
): readonly WorkerdBinding[] {
  const { config } = spec;
  const bindings = new Map<string, WorkerdBinding>();
  const add = (binding: WorkerdBinding): void => {
    bindings.set(binding.name, binding);
  };
  const text = (name: string, value: string): void => add({ name, type: "text", value });
  const d1 = (name: string, database: string): void =>
    add({
      name,
      type: "wrapped",
      module: D1_MODULE,
      inner: [{ name: "fetcher", type: "service", target: { service: targets.hostService("d1", database) } }],
    });

  // Later entries win, so the order is: platform, variables, secrets, resources that the deployment names.
  d1("DB", DEFAULT_BINDINGS.DB);
  add({ name: "CACHE", type: "kvNamespace", service: targets.hostService("kv", DEFAULT_BINDINGS.CACHE) });
  add({ name: "STORAGE", type: "r2Bucket", service: targets.hostService("r2", DEFAULT_BINDINGS.STORAGE) });
  add({ name: "QUEUE", type: "queue", service: targets.hostService("queue", DEFAULT_BINDINGS.QUEUE) });
  text("AEROSTACK_PROJECT_ID", project.projectId);
  text("AEROSTACK_API_KEY", spec.apiKey);
  text("AEROSTACK_API_URL", project.apiUrl);
  for (const [name, value] of Object.entries(config.vars)) {
    if (typeof value === "string") text(name, value);
    else add({ name, type: "json", value: JSON.stringify(value) });
  }
  for (const [name, value] of Object.entries(spec.secrets)) text(name, value);
  for (const { binding, database } of config.d1Databases) d1(binding, database);
  for (const { binding, namespace } of config.kvNamespaces) {
    add({ name: binding, type: "kvNamespace", service: targets.hostService("kv", namespace) });
  }
  for (const { binding, bucket } of config.r2Buckets) {
    add({ name: binding, type: "r2Bucket", service: targets.hostService("r2", bucket) });
  }
  for (const { binding, queue } of config.queueProducers) {
    add({ name: binding, type: "queue", service: targets.hostService("queue", queue) });
  }
  for (const { binding, service, entrypoint } of config.services) {
    add({ name: binding, type: "service", target: targets.functionService(binding, service, entrypoint) });
  }
  for (const { binding, className } of config.durableObjects) {
    add({
      name: binding,
      type: "durableObjectNamespace",
      className,
      service: targets.durableObjectService(className),
    });
  }
  if (config.assets !== undefined) {
    add({ name: config.assets.binding, type: "service", target: { service: targets.assetsService() } });
  }
  return [...bindings.values()];
}
