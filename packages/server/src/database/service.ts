import type { HostCall } from "../kernel/host-call.ts";

export type SqlParameter = string | number | boolean | null;

export interface SqlStatement {
  readonly sql: string;
  readonly params?: readonly SqlParameter[] | undefined;
  /** In a batch: instead of the batch's. */
  readonly mode?: SqlMode | undefined;
}

/** A result as the data host gives it: rows are arrays in the order of `columns`. */
export interface SqlRows {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
  readonly meta: {
    readonly durationMs: number;
    readonly changes: number;
    readonly lastRowId: number;
    readonly rowsRead: number;
    readonly rowsWritten: number;
  };
}

/**
 * `data` refuses changes of the schema, `full` allows them. `platform` may write the platform's own tables in the database
 * (`aerostack_migrations`, `aerostack_collections`, `aerostack_idempotent_items`) too, so it is for SQL of ours alone.
 */
export type SqlMode = "data" | "full" | "platform";

export interface DatabaseAddress {
  readonly projectId: string;
  readonly database: string;
}

/** Rows as objects; of two columns with one name the later wins, as in SQLite's own shell. */
export function rowObjects({ columns, rows }: Pick<SqlRows, "columns" | "rows">): Record<string, unknown>[] {
  return rows.map((row) => {
    const object: Record<string, unknown> = {};
    for (let i = 0; i < columns.length; i++) object[columns[i] as string] = shownCell(row[i]);
    return object;
  });
}

/** A blob as an array of its bytes, which is how D1 shows it in JSON; everything else as it is. */
export function shownCell(cell: unknown): unknown {
  if (typeof cell !== "object" || cell === null) return cell;
  return [...Buffer.from((cell as { $bytes: string }).$bytes, "base64")];
}

/** SQL on a project's databases. It runs in the data host; nothing here touches a file. */
export function createDatabaseService(call: HostCall) {
  return {
    async query(address: DatabaseAddress, statement: SqlStatement, mode: SqlMode): Promise<SqlRows> {
      return await call("db.query", { ...address, sql: statement.sql, params: statement.params ?? [], mode });
    },

    /** Statements in order; `atomic`: all or none. */
    async batch(
      address: DatabaseAddress,
      statements: readonly SqlStatement[],
      options: { readonly mode: SqlMode; readonly atomic: boolean },
    ): Promise<readonly SqlRows[]> {
      const { results } = await call<{ results: readonly SqlRows[] }>("db.batch", {
        ...address,
        ...options,
        statements: statements.map(({ sql, params, mode }) => ({
          sql,
          params: params ?? [],
          ...(mode === undefined ? {} : { mode }),
        })),
      });
      return results;
    },

    async list(projectId: string): Promise<readonly { readonly name: string; readonly sizeBytes: number }[]> {
      const { databases } = await call<{ databases: readonly { name: string; sizeBytes: number }[] }>("db.list", {
        projectId,
      });
      return databases;
    },

    /** The whole database as SQL text, in pieces, all of one moment. */
    async *export(address: DatabaseAddress): AsyncGenerator<string> {
      const { exportId } = await call<{ exportId: string }>("db.export.open", { ...address });
      try {
        for (;;) {
          const { text, done } = await call<{ text: string; done: boolean }>("db.export.next", { exportId });
          yield text;
          if (done) return;
        }
      } finally {
        await call("db.export.close", { exportId });
      }
    },

    /** Runs SQL text as one transaction, all or nothing; how many statements it held. */
    async import(address: DatabaseAddress, pieces: AsyncIterable<string>): Promise<number> {
      const { importId } = await call<{ importId: string }>("db.import.open", { ...address });
      try {
        for await (const text of pieces) await call("db.import.chunk", { importId, text });
        const { count } = await call<{ count: number }>("db.import.commit", { importId });
        return count;
      } catch (error) {
        await call("db.import.abort", { importId }).catch(() => {});
        throw error;
      }
    },
  };
}

export type DatabaseService = ReturnType<typeof createDatabaseService>;
