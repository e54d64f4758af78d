// For tests only: one run of the tests on PostgreSQL. Vitest calls the default export before the first file (globalSetup).
import { randomText } from "@aerostack/kernel";
import type { Client } from "pg";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** Names this run of the tests. */
    readonly testRun: string;
  }
}

const CANDIDATES = [
  process.env.AEROSTACK_TEST_DATABASE_URL,
  "postgres://root@127.0.0.1:5432/test",
  "postgres://root@/test?host=/var/run/postgresql",
].filter((url) => url !== undefined);

const SCHEMA_PREFIX = "aerostack_run_";

/** @returns the first of the usual addresses where PostgreSQL answers. */
export async function findPostgres(): Promise<string | undefined> {
  const { default: pg } = await import("pg");
  for (const url of CANDIDATES) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
    try {
      await client.connect();
      await client.end();
      return url;
    } catch {
      // The next candidate, or none: the tests then say that they were skipped.
    }
  }
  return undefined;
}

export function schemaOfRun(run: string, name: string): string {
  return `${SCHEMA_PREFIX}${run}_${name}`;
}

/**
 * Names the run, and drops its schemas in the end. A lock says as long as this process lives that the run goes on, so that
 * what runs left behind that were killed is known for sure, and dropped first.
 */
export default async function begin(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const run = randomText(8);
  project.provide("testRun", run);
  const url = await findPostgres();
  if (url === undefined) return undefined;
  const { default: pg } = await import("pg");
  const client = new pg.Client({ connectionString: url });
  // A server that goes away fails the tests, which say so.
  client.on("error", () => undefined);
  await client.connect();
  await client.query("select pg_advisory_lock(hashtextextended($1, 0))", [run]);
  await dropSchemas(client, async (other) => await isFree(client, other));
  const dropOwn = () => dropSchemas(client, async (other) => other === run);
  // Migrations may have been changed since.
  project.onTestsRerun(dropOwn);
  return async () => {
    await dropOwn();
    await client.end();
  };
}

async function dropSchemas(client: Client, isWanted: (run: string) => Promise<boolean>): Promise<void> {
  const { rows } = await client.query<{ name: string; run: string }>(
    "select nspname as name, split_part(nspname, '_', 3) as run from pg_namespace where starts_with(nspname, $1)",
    [SCHEMA_PREFIX],
  );
  for (const { name, run } of rows) {
    if (await isWanted(run)) await client.query(`drop schema if exists ${client.escapeIdentifier(name)} cascade`);
  }
}

/** The lock stays taken, so that of two runs that begin at once one cleans up. */
async function isFree(client: Client, run: string): Promise<boolean> {
  const { rows } = await client.query<{ free: boolean }>(
    "select pg_try_advisory_lock(hashtextextended($1, 0)) as free",
    [run],
  );
  return rows[0]?.free === true;
}
