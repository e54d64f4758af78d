import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { migrationsResponseSchema } from "@aerostack/contracts";
import { type ApiClient, apiPath, TRANSFER_TIMEOUT_MS } from "../api/api-client.ts";

export interface Migration {
  /** File name; the server applies each name once, in this order. */
  readonly name: string;
  readonly sql: string;
}

/** `*.sql` of a folder in order of their names; none where the folder is absent. */
export async function readMigrations(directory: string): Promise<Migration[]> {
  let names: string[];
  try {
    names = await readdir(directory);
  } catch {
    return [];
  }
  const files = names.filter((name) => name.endsWith(".sql")).sort();
  return Promise.all(files.map(async (name) => ({ name, sql: await readFile(join(directory, name), "utf8") })));
}

export interface MigrateOptions {
  readonly api: ApiClient;
  readonly projectId: string;
  readonly database: string;
  readonly migrations: readonly Migration[];
}

/** What the database would do with these migrations. */
export interface MigrationPlan {
  /** Names of those that it has not seen yet, in order. */
  readonly pending: readonly string[];
  /** Applied before, and not among these. */
  readonly missing: readonly string[];
  /** What was changed outside migrations, as a diff. */
  readonly drift: string | null;
}

/** @throws DB_MIGRATION_DRIFT when one was changed after it was applied */
export async function planMigrations({ api, projectId, database, migrations }: MigrateOptions): Promise<MigrationPlan> {
  const path = apiPath("projects", projectId, "db", "migrations");
  return api.call("POST", path, migrationsResponseSchema, { json: { database, migrations, dryRun: true } });
}

/**
 * Applies what the database has not seen yet; answers their names.
 *
 * @throws DB_MIGRATION_DRIFT when one was changed after it was applied, or the schema was changed outside migrations
 */
export async function applyMigrations(options: MigrateOptions, acceptDrift = false): Promise<readonly string[]> {
  const { pending, drift } = await planMigrations(options);
  if (pending.length === 0 && drift === null) return pending;
  const { api, projectId, database, migrations } = options;
  await api.call("POST", apiPath("projects", projectId, "db", "migrations"), migrationsResponseSchema, {
    json: { database, migrations, dryRun: false, ...(acceptDrift ? { acceptDrift } : {}) },
    timeoutMs: TRANSFER_TIMEOUT_MS,
  });
  return pending;
}
