import { join } from "node:path";
import { sql as raw } from "kysely";
import type { Config } from "./config.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Logger } from "./log.ts";
import type { Secrets } from "./secrets.ts";
import {
  migrate,
  openPostgres,
  openSqlite,
  openSqliteInThread,
  type Sql,
  type SqliteOptions,
  type SqlMigrations,
} from "./sql/index.ts";
import { StartError } from "./start-error.ts";

export interface Databases {
  /** Accounts, projects, keys, deployments: a commit survives a power cut. */
  readonly control: Sql<unknown>;
  /** Request logs and usage, written in batches by a thread of their own; with PostgreSQL, the same pool as `control`. */
  readonly logs: Sql<unknown>;
}

export interface DatabaseMigrations {
  readonly control: SqlMigrations;
  readonly logs: SqlMigrations;
}

/** Opens the server's own databases where the settings say and brings their schemas up to date. */
export async function openDatabases(
  config: Config,
  secrets: Secrets,
  migrations: DatabaseMigrations,
  { log, lifecycle }: { readonly log: Logger; readonly lifecycle: Lifecycle },
): Promise<Databases> {
  const databases = await open(config, secrets, log);
  lifecycle.onClose("databases", async () => {
    await databases.control.close();
    if (databases.logs !== databases.control) await databases.logs.close();
  });
  await migrate(databases.control, "control", migrations.control);
  await migrateLogs(databases, config, secrets, migrations.logs);
  return databases;
}

/** A file is brought up to date here: its thread starts when there is something to log. */
async function migrateLogs(
  { control, logs }: Databases,
  config: Config,
  secrets: Secrets,
  migrations: SqlMigrations,
): Promise<void> {
  if (logs === control) {
    await migrate(logs, "logs", migrations);
    return;
  }
  const file = openSqlite(logsFile(config, secrets));
  try {
    await migrate(file, "logs", migrations);
  } finally {
    await file.close();
  }
}

function controlFile(config: Config, secrets: Secrets): SqliteOptions {
  return { ...fileNamed("control.sqlite", config, secrets), synchronous: "FULL" };
}

function logsFile(config: Config, secrets: Secrets): SqliteOptions {
  return { ...fileNamed("logs.sqlite", config, secrets), synchronous: "NORMAL" };
}

function fileNamed(name: string, { dataDir }: Config, { masterKeys }: Secrets) {
  return { path: join(dataDir, name), logicalName: name, masterKeys };
}

async function open(config: Config, secrets: Secrets, log: Logger): Promise<Databases> {
  if (config.databaseUrl !== undefined) {
    const control = await openPostgres({
      url: config.databaseUrl,
      onIdleError: (err) => log.warn({ err }, "a PostgreSQL connection broke while idle"),
    });
    await requireAnswer(control);
    return { control, logs: control };
  }
  const control = openSqlite(controlFile(config, secrets));
  return { control, logs: openSqliteInThread(logsFile(config, secrets)) };
}

async function requireAnswer(sql: Sql<unknown>): Promise<void> {
  try {
    await raw`select 1`.execute(sql.db);
  } catch (cause) {
    await sql.close();
    throw new StartError(`AEROSTACK_DATABASE_URL: PostgreSQL cannot be used: ${reasonOf(cause)}`, { cause });
  }
}

/** A refused connection to a name with several addresses is an AggregateError without a message of its own. */
function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(reasonOf).join("; ");
  return cause instanceof Error ? cause.message : String(cause);
}
