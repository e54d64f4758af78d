import { createRequire } from "node:module";
import type BetterSqlite3 from "better-sqlite3";

// The package's `exports` hide its own declarations from TypeScript; its interface is better-sqlite3's.
const require = createRequire(import.meta.url);
export const Database = require("better-sqlite3-multiple-ciphers") as typeof BetterSqlite3;

export type SqliteDatabase = BetterSqlite3.Database;
export type Statement<Parameters extends unknown[] = unknown[], Row = unknown> = BetterSqlite3.Statement<
  Parameters,
  Row
>;
