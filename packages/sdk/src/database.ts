import type { Connection } from "./connection.ts";

export type SqlValue = string | number | boolean | null;
export type Row = Readonly<Record<string, unknown>>;

export interface SqlStatement {
  readonly sql: string;
  readonly params?: readonly SqlValue[];
}

export interface BatchResult<Result extends Row> {
  readonly results?: readonly Result[];
  readonly success: boolean;
  readonly error?: string;
}

/** A project's database by SQL; needs a secret key. */
export function createDatabase(connection: Connection) {
  async function query<Result extends Row = Row>(sql: string, params: readonly SqlValue[] = []): Promise<Result[]> {
    const { results } = await connection.json<{ results: Result[] }>({ path: "/v1/db/query", json: { sql, params } });
    return results;
  }

  return {
    /** Runs one statement and gives its rows. */
    query,
    /** The first row, or null. */
    async first<Result extends Row = Row>(sql: string, params: readonly SqlValue[] = []): Promise<Result | null> {
      return (await query<Result>(sql, params))[0] ?? null;
    },
    /** Up to 25 statements, one after another; one that fails does not undo those before it. */
    async batch<Result extends Row = Row>(queries: readonly SqlStatement[]): Promise<readonly BatchResult<Result>[]> {
      const answer = await connection.json<{ results: BatchResult<Result>[] }>({
        path: "/v1/db/batch",
        json: { queries },
      });
      return answer.results;
    },
  };
}

export type Database = ReturnType<typeof createDatabase>;
