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

/** Names of the migrations that the database has not seen yet, in order. */
export async function pendingMigrations({
  api,
  projectId,
  database,
  migrations,
}: MigrateOptions): Promise<readonly string[]> {
  const path = apiPath("projects", projectId, "db", "migrations");
  const { pending } = await api.call("POST", path, migrationsResponseSchema, {
    json: { database, migrations, dryRun: true },
  });
  return pending;
}

/** Applies what the database has not seen yet; answers their names. A migration that was changed afterwards is an error. */
export async function applyMigrations(options: MigrateOptions): Promise<readonly string[]> {
  const pending = await pendingMigrations(options);
  if (pending.length === 0) return pending;
  const { api, projectId, database, migrations } = options;
  await api.call("POST", apiPath("projects", projectId, "db", "migrations"), migrationsResponseSchema, {
    json: { database, migrations, dryRun: false },
    timeoutMs: TRANSFER_TIMEOUT_MS,
  });
  return pending;
}
