import { createHash } from "node:crypto";
import { LIVE_SCHEMA, type SchemaObjects } from "./schema-objects.ts";
import type { DatabaseAddress, DatabaseService, SqlStatement } from "./service.ts";
import { rowObjects } from "./service.ts";

export interface Migration {
  readonly name: string;
  readonly sql: string;
}

export interface AppliedMigration {
  readonly name: string;
  /** SHA-256 of the file as it was applied, hex. */
  readonly checksum: string;
  readonly appliedAt: number;
  /** The file as it was applied. */
  readonly sql: string;
  /** What it made, changed and removed; null for one that an older server applied. */
  readonly objects: SchemaObjects | null;
}

const TABLE = "aerostack_migrations";
const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS ${TABLE}
  (name TEXT PRIMARY KEY, checksum TEXT NOT NULL, sql TEXT NOT NULL, applied_at INTEGER NOT NULL, objects TEXT)`;

export function checksumOf(sql: string): string {
  return createHash("sha256").update(sql).digest("hex");
}

/** The list that a database keeps of the migrations applied to it: a table of its own, which only the platform writes. */
export function createMigrationLog(databases: DatabaseService) {
  async function prepare(address: DatabaseAddress): Promise<void> {
    const columns = await databases.query(
      address,
      { sql: `SELECT name FROM pragma_table_info('${TABLE}')` },
      "platform",
    );
    if (columns.rows.length === 0) await databases.query(address, { sql: CREATE_TABLE }, "platform");
    else if (!columns.rows.some(([name]) => name === "objects")) {
      await databases.query(address, { sql: `ALTER TABLE ${TABLE} ADD COLUMN objects TEXT` }, "platform");
    }
  }

  return {
    /** In the order in which they were applied. */
    async read(address: DatabaseAddress): Promise<AppliedMigration[]> {
      await prepare(address);
      const result = await databases.query(
        address,
        { sql: `SELECT name, checksum, sql, applied_at AS appliedAt, objects FROM ${TABLE} ORDER BY rowid` },
        "platform",
      );
      return rowObjects(result).map((row) => ({
        name: String(row.name),
        checksum: String(row.checksum),
        sql: String(row.sql),
        appliedAt: Number(row.appliedAt),
        objects: row.objects === null ? null : (JSON.parse(String(row.objects)) as SchemaObjects),
      }));
    },

    async liveSchema(address: DatabaseAddress): Promise<SchemaObjects> {
      const { rows } = await databases.query(address, { sql: LIVE_SCHEMA }, "platform");
      return Object.fromEntries(rows.map(([key, sql]) => [String(key), String(sql)]));
    },

    /**
     * A migration's own statements between the two that note it: the first fails where somebody has applied it meanwhile and
     * remembers the schema, the last keeps of that what has changed.
     */
    statementsOf(migration: Migration, statements: readonly string[], now: number): SqlStatement[] {
      const note = `INSERT INTO ${TABLE} (name, checksum, sql, applied_at, objects)
        SELECT ?, ?, ?, ?, (SELECT json_group_object(key, sql) FROM (${LIVE_SCHEMA}))`;
      const changed = `UPDATE ${TABLE} SET objects = (SELECT json_group_object(key, sql) FROM (
          SELECT now.key AS key, now.sql AS sql FROM (${LIVE_SCHEMA}) AS now
            LEFT JOIN json_each(${TABLE}.objects) AS was ON was.key = now.key WHERE was.value IS NOT now.sql
          UNION ALL
          SELECT was.key, NULL FROM json_each(${TABLE}.objects) AS was WHERE was.key NOT IN (SELECT key FROM (${LIVE_SCHEMA}))
        )) WHERE name = ?`;
      return [
        { sql: note, params: [migration.name, checksumOf(migration.sql), migration.sql, now] },
        ...statements.map((sql) => ({ sql, mode: "full" as const })),
        { sql: changed, params: [migration.name] },
      ];
    },

    /** Notes objects as they are now, as if the migration had made them so. */
    async noteObjects(address: DatabaseAddress, name: string, objects: SchemaObjects): Promise<void> {
      const sql = `UPDATE ${TABLE} SET objects = ? WHERE name = ?`;
      await databases.query(address, { sql, params: [JSON.stringify(objects), name] }, "platform");
    },
  };
}

export type MigrationLog = ReturnType<typeof createMigrationLog>;
