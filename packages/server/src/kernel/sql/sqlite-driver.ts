import { createRequire } from "node:module";
import type BetterSqlite3 from "better-sqlite3";

// The package's exports hide its own type declarations; its interface is that of better-sqlite3.
const require = createRequire(import.meta.url);
export const Database = require("better-sqlite3-multiple-ciphers") as typeof BetterSqlite3;
export type Database = BetterSqlite3.Database;
