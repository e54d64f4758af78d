import { AerostackError } from "@aerostack/contracts";
import { type DatabaseAddress, type DatabaseService, rowObjects, type SqlStatement } from "../database/service.ts";

/** A definition as the project's database keeps it. */
export interface StoredDefinition {
  readonly name: string;
  readonly version: number;
  readonly id: string;
  /** JSON of a `CollectionDefinition`. It may be anybody's: an import writes this table too. */
  readonly definition: string;
  readonly createdAt: string;
  readonly updatedAt: string;
}

const TABLE = "aerostack_collections";
const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS ${TABLE} (name TEXT NOT NULL, version INTEGER NOT NULL, id TEXT NOT NULL,
  definition TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, PRIMARY KEY (name, version)) STRICT`;
const COLUMNS = "name, version, id, definition, created_at AS createdAt, updated_at AS updatedAt";
const MAIN_DATABASE = "main";

/** Collections are those of the project's main database. */
export function mainDatabase(projectId: string): DatabaseAddress {
  return { projectId, database: MAIN_DATABASE };
}

/**
 * Where definitions are kept: in the project's own database, in a table that only the platform writes. So a definition and
 * its table change in one transaction, and travel together through exports and restores.
 */
export function createDefinitionStore(databases: DatabaseService) {
  async function read(projectId: string, sql: string, params: readonly (string | number)[]) {
    try {
      return rowObjects(await databases.query(mainDatabase(projectId), { sql, params }, "platform"));
    } catch (error) {
      // No collection was ever made here.
      if (error instanceof AerostackError && error.message.includes(`no such table: ${TABLE}`)) return [];
      throw error;
    }
  }

  return {
    async find(projectId: string, name: string): Promise<StoredDefinition | undefined> {
      const sql = `SELECT ${COLUMNS} FROM ${TABLE} WHERE name = ? ORDER BY version DESC LIMIT 1`;
      const [row] = await read(projectId, sql, [name]);
      return row as unknown as StoredDefinition | undefined;
    },

    /** In the order of names. */
    async list(projectId: string): Promise<readonly StoredDefinition[]> {
      return (await read(
        projectId,
        `SELECT ${COLUMNS} FROM ${TABLE} ORDER BY name`,
        [],
      )) as unknown as StoredDefinition[];
    },

    async names(projectId: string): Promise<readonly string[]> {
      const rows = await read(projectId, `SELECT DISTINCT name FROM ${TABLE} ORDER BY name`, []);
      return rows.map(({ name }) => String(name));
    },

    prepare: (): SqlStatement => ({ sql: CREATE_TABLE }),

    /** Statements that put a version in the place of the one before; they fail where somebody else was first. */
    replace(next: StoredDefinition): SqlStatement[] {
      const { name, version, id, definition, createdAt, updatedAt } = next;
      return [
        {
          sql: `INSERT INTO ${TABLE} (name, version, id, definition, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)`,
          params: [name, version, id, definition, createdAt, updatedAt],
        },
        { sql: `DELETE FROM ${TABLE} WHERE name = ? AND version < ?`, params: [name, version] },
      ];
    },

    remove(name: string): SqlStatement {
      return { sql: `DELETE FROM ${TABLE} WHERE name = ?`, params: [name] };
    },

    isRaceLost(error: unknown): boolean {
      return error instanceof AerostackError && error.message.includes(`${TABLE}.version`);
    },
  };
}

export type DefinitionStore = ReturnType<typeof createDefinitionStore>;
