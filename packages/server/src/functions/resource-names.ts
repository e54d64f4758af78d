import type { DeployConfig, FunctionEnvironment } from "@aerostack/contracts";

/** Names of what every project has without asking, under the bindings DB, CACHE, STORAGE and QUEUE. */
export const DEFAULT_RESOURCES = {
  database: "main",
  namespace: "default",
  bucket: "default",
  queue: "default",
} as const;

const STAGING_SUFFIX = "-staging";

/** The stored name of a resource in an environment: staging never touches what production holds. */
export function storedResource(name: string, environment: FunctionEnvironment): string {
  return environment === "staging" ? `${name}${STAGING_SUFFIX}` : name;
}

/** The name that a function knows a stored resource by, and the environment it belongs to. */
export function logicalResource(stored: string): { name: string; environment: FunctionEnvironment } {
  return stored.endsWith(STAGING_SUFFIX)
    ? { name: stored.slice(0, -STAGING_SUFFIX.length), environment: "staging" }
    : { name: stored, environment: "production" };
}

function withDefault<Entry extends { binding: string }>(
  entries: readonly Entry[],
  fallback: Entry,
  taken: Set<string>,
): Entry[] {
  return taken.has(fallback.binding) ? [...entries] : [...entries, fallback];
}

/**
 * The configuration that a process runs with: the default bindings added where the deployment does not use their names,
 * and every resource under its stored name.
 */
export function resolveBindings(config: DeployConfig, environment: FunctionEnvironment): DeployConfig {
  const taken = new Set([
    ...Object.keys(config.vars),
    ...[
      config.d1Databases,
      config.kvNamespaces,
      config.r2Buckets,
      config.queueProducers,
      config.services,
      config.durableObjects,
    ].flatMap((entries) => entries.map((entry) => entry.binding)),
  ]);
  const stored = (name: string) => storedResource(name, environment);
  return {
    ...config,
    d1Databases: withDefault(config.d1Databases, { binding: "DB", database: DEFAULT_RESOURCES.database }, taken).map(
      (entry) => ({ ...entry, database: stored(entry.database) }),
    ),
    kvNamespaces: withDefault(
      config.kvNamespaces,
      { binding: "CACHE", namespace: DEFAULT_RESOURCES.namespace },
      taken,
    ).map((entry) => ({ ...entry, namespace: stored(entry.namespace) })),
    r2Buckets: withDefault(config.r2Buckets, { binding: "STORAGE", bucket: DEFAULT_RESOURCES.bucket }, taken).map(
      (entry) => ({ ...entry, bucket: stored(entry.bucket) }),
    ),
    queueProducers: withDefault(config.queueProducers, { binding: "QUEUE", queue: DEFAULT_RESOURCES.queue }, taken).map(
      (entry) => ({ ...entry, queue: stored(entry.queue) }),
    ),
  };
}
