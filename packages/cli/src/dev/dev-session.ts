import { basename, dirname } from "node:path";
import type { ApiClient } from "../api/api-client.ts";
import type { Bundle } from "../bundler/bundle-function.ts";
import { collectAssets } from "../bundler/collect-assets.ts";
import { readDevVars } from "../config/dev-vars.ts";
import type { FunctionSource, ProjectConfig } from "../config/project-config.ts";
import { deployFunction } from "../deploy/deploy-function.ts";
import { pushCollections } from "../project/collections.ts";
import { applyMigrations, readMigrations } from "../project/migrations.ts";
import { createDeployQueue } from "./deploy-queue.ts";
import { watchFunction } from "./watch-function.ts";
import { type WatchedPath, watchPaths } from "./watch-paths.ts";

export type DevEvent =
  | {
      readonly event: "deployed";
      readonly function: string;
      readonly url: string;
      readonly version: number;
      readonly durationMs: number;
    }
  | { readonly event: "migrated"; readonly migrations: readonly string[] }
  | { readonly event: "pushed"; readonly collections: readonly string[] }
  | { readonly event: "warning"; readonly message: string }
  | { readonly event: "error"; readonly error: unknown };

export interface DevSessionOptions {
  readonly api: ApiClient;
  readonly projectId: string;
  readonly config: ProjectConfig;
  readonly onEvent: (event: DevEvent) => void;
  /** The configuration has changed: the caller closes this session and opens another. */
  readonly onConfigChange: () => void;
}

/** Bundles, deploys and watches the functions of one reading of the configuration, until it is closed. */
export async function startDevSession(options: DevSessionOptions): Promise<{ close(): Promise<void> }> {
  const { api, projectId, config, onEvent, onConfigChange } = options;
  const vars = await readDevVars(config.directory);
  const bundles = new Map<string, Bundle>();
  const warned = new Set<string>();

  async function guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      onEvent({ event: "error", error });
    }
  }

  const queue = createDeployQueue<FunctionSource>(
    config.functions.map(({ name }) => name),
    (_name, source) => guarded(() => deploy(source)),
  );

  async function deploy(source: FunctionSource): Promise<void> {
    const bundle = bundles.get(source.name);
    if (bundle === undefined) return;
    const startedAt = performance.now();
    const assets = source.assetsDirectory === undefined ? [] : await collectAssets(source.assetsDirectory);
    const answer = await deployFunction(api, {
      source,
      bundle,
      assets,
      environment: "production",
      projectId,
      // On this machine an address is tried in a browser, unless the configuration insists on a key.
      public: source.public ?? true,
      message: undefined,
      vars,
    });
    const durationMs = performance.now() - startedAt;
    onEvent({ event: "deployed", function: source.name, url: answer.url, version: answer.version.number, durationMs });
  }

  async function migrate(): Promise<void> {
    const migrations = await readMigrations(config.migrationsDirectory);
    if (migrations.length === 0) return;
    const applied = await applyMigrations({ api, projectId, database: config.database, migrations });
    if (applied.length > 0) onEvent({ event: "migrated", migrations: applied });
  }

  async function push(): Promise<void> {
    const { collections } = config;
    if (collections.length === 0) return;
    const pushed = await pushCollections({ api, projectId, collections, allowDestructive: false, dryRun: false });
    const changed = pushed.filter(({ changes }) => changes.length > 0).map(({ name }) => name);
    if (changed.length > 0) onEvent({ event: "pushed", collections: changed });
  }

  // Tables first: a function may read them while it starts.
  await guarded(migrate);
  await guarded(push);
  const watched = await Promise.all(
    config.functions.map((source) =>
      watchFunction({
        source,
        directory: config.directory,
        onBundle(bundle) {
          bundles.set(source.name, bundle);
          for (const message of bundle.warnings) {
            if (!warned.has(message)) onEvent({ event: "warning", message });
            warned.add(message);
          }
          queue.push(source.name, source);
        },
        onError: (error) => onEvent({ event: "error", error }),
      }),
    ),
  );
  const files = watchPaths([
    {
      path: config.directory,
      recursive: false,
      concerns: (name) => name === basename(config.file) || name === ".dev.vars",
      onChange: onConfigChange,
    },
    {
      path: config.migrationsDirectory,
      recursive: false,
      concerns: (name) => name.endsWith(".sql"),
      onChange: () => void guarded(migrate),
    },
    ...config.collections.flatMap(({ schema }): WatchedPath[] =>
      typeof schema === "string"
        ? [
            {
              path: dirname(schema),
              recursive: false,
              concerns: (name) => name === basename(schema),
              onChange: () => void guarded(push),
            },
          ]
        : [],
    ),
    ...config.functions.flatMap((source): WatchedPath[] =>
      source.assetsDirectory === undefined
        ? []
        : [
            {
              path: source.assetsDirectory,
              recursive: true,
              concerns: () => true,
              onChange: () => queue.push(source.name, source),
            },
          ],
    ),
  ]);

  return {
    async close() {
      files.close();
      await Promise.all(watched.map((one) => one.dispose()));
      await queue.close();
    },
  };
}
