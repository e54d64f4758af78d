import { AerostackError } from "@aerostack/contracts/errors";
import { keywordOf, type Token } from "../sql/tokenizer.ts";
import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import type { ChildSettings } from "./child-protocol.ts";

/** Rows of sqlite_sequence: each AUTOINCREMENT insert looks through them. */
const MAX_SEQUENCE_ROWS = 10_000;

/**
 * Every process that opens a database reads its whole schema first, so the schema must stay small.
 *
 * @throws AerostackError DB_QUERY_FAILED, before the commit.
 */
export function checkSchemaSize(
  db: SqliteDatabase,
  limits: Pick<ChildSettings, "maxSchemaObjects" | "maxSchemaBytes">,
): void {
  const size = db.prepare("SELECT count(*) AS objects, total(octet_length(sql)) AS bytes FROM sqlite_schema").get() as {
    objects: number;
    bytes: number;
  };
  if (size.objects > limits.maxSchemaObjects || size.bytes > limits.maxSchemaBytes) {
    throw new AerostackError("DB_QUERY_FAILED", {
      message: `The schema is too large: ${size.objects} objects with ${size.bytes} bytes of SQL.`,
      fix: `Keep it under ${limits.maxSchemaObjects} tables, indexes and triggers; drop what is not used.`,
      details: { sqliteCode: "SQLITE_TOOBIG", extendedCode: "SQLITE_TOOBIG" },
    });
  }
}

/** @throws AerostackError DB_QUERY_FAILED, before the commit. */
export function checkSequenceSize(db: SqliteDatabase): void {
  const exists = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'").get() !== undefined;
  if (!exists) return;
  const rows = db.prepare("SELECT count(*) FROM sqlite_sequence").pluck().get() as number;
  if (rows > MAX_SEQUENCE_ROWS) {
    throw new AerostackError("DB_QUERY_FAILED", {
      message: "sqlite_sequence has one row for each table, and no more.",
    });
  }
}

/** The table that a CREATE TABLE … AS SELECT fills, as far as its words tell. */
export function createdTableOf(tokens: readonly Token[]): string | undefined {
  if (keywordOf(tokens[0]) !== "CREATE" || keywordOf(tokens[1]) !== "TABLE") return undefined;
  if (!tokens.some((token) => keywordOf(token) === "AS")) return undefined;
  let at = keywordOf(tokens[2]) === "IF" ? 5 : 2;
  if (tokens[at + 1]?.text === ".") at += 2;
  return tokens[at]?.text;
}
