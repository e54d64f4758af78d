import type { InsertBatch } from "./sqlite-insert.ts";

/** What a database's thread is asked. It works in the order in which it is asked. */
export type ThreadRequest =
  | { readonly id: number; readonly kind: "query"; readonly sql: string; readonly parameters: readonly unknown[] }
  | { readonly id: number; readonly kind: "insert"; readonly batch: InsertBatch }
  | { readonly id: number; readonly kind: "close" };

/** What a statement gave, as SQLite's driver says it. */
export interface ThreadResult {
  readonly rows: unknown[];
  readonly changes: number | null;
  readonly lastInsertRowid: number | bigint | null;
}

export interface ThreadError {
  readonly message: string;
  /** SQLite's name of it, such as `SQLITE_CONSTRAINT_UNIQUE`. */
  readonly code: string | undefined;
}

export type ThreadAnswer =
  | { readonly id: number; readonly result: ThreadResult }
  | { readonly id: number; readonly error: ThreadError };

/** The first message: the file is open, or cannot be opened. */
export type ThreadOpened = { readonly opened: true } | { readonly opened: false; readonly error: ThreadError };
