import { createHash } from "node:crypto";
import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import { type DatabaseAddress, type DatabaseService, rowObjects, type SqlStatement } from "./service.ts";

export interface Migration {
  readonly name: string;
  readonly sql: string;
}

export interface AppliedMigration {
  readonly name: string;
  /** SHA-256 of the file as it was applied, hex. */
  readonly checksum: string;
  readonly appliedAt: number;
}

export interface MigrationState {
  readonly applied: readonly AppliedMigration[];
  readonly pending: readonly string[];
}

const TABLE = "aerostack_migrations";
const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS ${TABLE} (name TEXT PRIMARY KEY, checksum TEXT NOT NULL, sql TEXT NOT NULL, applied_at INTEGER NOT NULL)`;

export function checksumOf(sql: string): string {
  return createHash("sha256").update(sql).digest("hex");
}

/** Versioned changes of a database's schema: each is applied once, whole or not at all, and never changed afterwards. */
export function createMigrations(options: {
  readonly databases: DatabaseService;
  readonly clock: Clock;
  readonly splitStatements: (sql: string) => readonly string[];
}) {
  const { databases, clock, splitStatements } = options;

  async function applied(address: DatabaseAddress): Promise<AppliedMigration[]> {
    await databases.query(address, { sql: CREATE_TABLE }, "full");
    const result = await databases.query(
      address,
      { sql: `SELECT name, checksum, applied_at AS appliedAt FROM ${TABLE} ORDER BY name` },
      "data",
    );
    return rowObjects(result) as unknown as AppliedMigration[];
  }

  function statementsOf(migration: Migration): SqlStatement[] {
    return [
      ...splitStatements(migration.sql).map((sql) => ({ sql })),
      {
        sql: `INSERT INTO ${TABLE} (name, checksum, sql, applied_at) VALUES (?, ?, ?, ?)`,
        params: [migration.name, checksumOf(migration.sql), migration.sql, clock.now()],
      },
    ];
  }

  return {
    async state(address: DatabaseAddress): Promise<MigrationState> {
      return { applied: await applied(address), pending: [] };
    },

    /**
     * Applies what is not applied yet, in the order of names.
     *
     * @throws CONFLICT when a file was changed after it was applied; DB_QUERY_FAILED with the name of the file that failed
     */
    async apply(address: DatabaseAddress, migrations: readonly Migration[], dryRun: boolean): Promise<MigrationState> {
      const done = new Map((await applied(address)).map((one) => [one.name, one]));
      const ordered = [...migrations].sort((a, b) => (a.name < b.name ? -1 : 1));
      for (const migration of ordered) {
        const known = done.get(migration.name);
        if (known === undefined || known.checksum === checksumOf(migration.sql)) continue;
        throw new AerostackError("CONFLICT", {
          message: `The migration '${migration.name}' has changed since it was applied on ${new Date(known.appliedAt).toISOString()}.`,
          fix: "Put the file back as it was and write a further migration.",
          details: { name: migration.name, appliedChecksum: known.checksum, givenChecksum: checksumOf(migration.sql) },
        });
      }
      const pending = ordered.filter((migration) => !done.has(migration.name));
      if (dryRun) return { applied: [...done.values()], pending: pending.map((migration) => migration.name) };
      for (const migration of pending) {
        try {
          await databases.batch(address, statementsOf(migration), { mode: "full", atomic: true });
        } catch (error) {
          if (!(error instanceof AerostackError)) throw error;
          throw new AerostackError(error.code, {
            message: `The migration '${migration.name}' failed and left nothing behind: ${error.message}`,
            fix: error.fix,
            details: { name: migration.name },
            cause: error,
          });
        }
      }
      return { applied: await applied(address), pending: [] };
    },
  };
}

export type Migrations = ReturnType<typeof createMigrations>;
