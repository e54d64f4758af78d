import { Kysely, type PostgresPool } from "kysely";
import type { Pool } from "pg";
import { createSql } from "./create-sql.ts";
import { insertManyOnPostgres } from "./insert-many.ts";
import { OwnSchemaPostgresDialect } from "./own-schema-dialect.ts";
import type { Sql } from "./sql.ts";

export interface PostgresOptions {
  readonly url: string;
  /** Connections at most. */
  readonly poolSize?: number;
  /** A connection of the pool broke while idle; the pool replaces it. */
  readonly onIdleError?: (error: Error) => void;
}

const DEFAULT_POOL_SIZE = 10;
const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 30_000;

// Type ids of PostgreSQL's catalog (pg_type.dat).
const INT8 = 20;
const NUMERIC = 1_700;

/** Opens a pool. The driver is loaded here, so that an installation on SQLite never does. */
export async function openPostgres(options: PostgresOptions): Promise<Sql<unknown>> {
  return createPostgresSql(await createPool(options));
}

export async function createPool(options: PostgresOptions): Promise<Pool> {
  const { default: pg } = await import("pg");
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolSize ?? DEFAULT_POOL_SIZE,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    types: {
      // Counts, sums and times arrive as text by default; all of ours are below 2^53.
      getTypeParser: (id: number, format?: "text" | "binary") =>
        (id === INT8 || id === NUMERIC) && format !== "binary" ? Number : pg.types.getTypeParser(id, format),
    },
  });
  pool.on("error", (error) => options.onIdleError?.(error));
  return pool;
}

/** Closing it ends the pool. */
export function createPostgresSql(pool: PostgresPool & { readonly ending: boolean }): Sql<unknown> {
  const db = new Kysely<unknown>({ dialect: new OwnSchemaPostgresDialect({ pool }) });
  return createSql(db, {
    dialect: "postgres",
    insertMany: insertManyOnPostgres,
    async close() {
      await db.destroy();
      // Kysely leaves a pool open that it never used.
      if (!pool.ending) await pool.end();
    },
  });
}
