import { AerostackError } from "@aerostack/contracts/errors";
import { foldName, isName, keywordOf, type Token } from "./tokenizer.ts";

/** What a statement is by its words. SQLite's own view (read-only or not) is checked again where it runs. */
export interface StatementShape {
  readonly kind: "read" | "write";
  /** Changes the schema or its statistics: refused in mode "data". */
  readonly isDdl: boolean;
  /** Must run outside a transaction. */
  readonly isVacuum: boolean;
  /** Accepted and without effect, as in D1. */
  readonly isNoop: boolean;
  /** Changes how its transaction works: it gets one of its own. */
  readonly needsOwnTransaction: boolean;
  /** A write that names a table which the platform keeps: only the platform itself may run it. */
  readonly namesPlatformTable: boolean;
}

/** Names that the platform keeps for itself in a user's database; `_cf_` is D1's and left out by tools made for it. */
const RESERVED_PREFIXES = ["_cf_", "_aero_"];

/** What the platform keeps beside a user's own tables: everybody's SQL may read it, the platform alone writes it. */
const PLATFORM_TABLES = new Set(["aerostack_migrations", "aerostack_collections", "aerostack_idempotent_items"]);

/** After these SQLite takes a string for a table's name. */
const BEFORE_TABLE_NAME = new Set([
  "INTO",
  "UPDATE",
  "FROM",
  "TABLE",
  "EXISTS",
  "ABORT",
  "FAIL",
  "IGNORE",
  "REPLACE",
  "ROLLBACK",
]);

/** Functions that reach files, keys or the process. */
const REFUSED_FUNCTION = /^(?:load_extension|readfile|writefile|edit|fts3_tokenizer|sqlite_log|sqlite3mc_\w+)$/;

export function isRefusedFunction(name: string): boolean {
  return REFUSED_FUNCTION.test(name);
}

/** Virtual tables whose content lives in the database itself. */
const VIRTUAL_TABLE_MODULES = new Set([
  "fts5",
  "fts5vocab",
  "fts4",
  "fts3",
  "fts4aux",
  "rtree",
  "rtree_i32",
  "geopoly",
]);

/** PRAGMAs that tell something about the database; an argument names a table or index. */
const READ_PRAGMAS = new Set([
  "table_info",
  "table_xinfo",
  "table_list",
  "index_info",
  "index_xinfo",
  "index_list",
  "foreign_key_list",
  "foreign_key_check",
  "quick_check",
  "integrity_check",
  "function_list",
  "collation_list",
  "compile_options",
]);

/** PRAGMAs that may be read and not set. */
const READ_ONLY_PRAGMAS = new Set([
  "page_count",
  "page_size",
  "freelist_count",
  "encoding",
  "schema_version",
  "data_version",
  "recursive_triggers",
  "legacy_alter_table",
  "case_sensitive_like",
  "ignore_check_constraints",
]);

/** PRAGMAs whose value is a part of the database. */
const STORED_PRAGMAS = new Set(["user_version", "application_id"]);

const READ: StatementShape = {
  kind: "read",
  isDdl: false,
  isVacuum: false,
  isNoop: false,
  needsOwnTransaction: false,
  namesPlatformTable: false,
};
const WRITE: StatementShape = { ...READ, kind: "write" };
const DDL: StatementShape = { ...WRITE, isDdl: true };

/**
 * Says what a statement is and refuses what no user of a shared host may run. Works on tokens, so that neither comments
 * nor quoting hide anything.
 *
 * @throws AerostackError DB_STATEMENT_REFUSED.
 */
export function checkStatement(tokens: readonly Token[]): StatementShape {
  checkNames(tokens);
  const shape = shapeOf(tokens);
  return shape.kind === "write" && namesPlatformTable(tokens, shape.isDdl)
    ? { ...shape, namesPlatformTable: true }
    : shape;
}

function namesPlatformTable(tokens: readonly Token[], isDdl: boolean): boolean {
  return tokens.some((token, at) => {
    if (!PLATFORM_TABLES.has(foldName(token.text))) return false;
    if (isName(token)) return true;
    const before = tokens[at - 1];
    return token.kind === "string" && (isDdl || before?.text === "." || BEFORE_TABLE_NAME.has(keywordOf(before) ?? ""));
  });
}

function shapeOf(tokens: readonly Token[]): StatementShape {
  const verb = keywordOf(tokens[0]);
  switch (verb) {
    case "SELECT":
    case "VALUES":
      return READ;
    case "WITH":
      return shapeOfWith(tokens);
    case "INSERT":
    case "REPLACE":
    case "UPDATE":
    case "DELETE":
      return mutation(tokens);
    case "CREATE":
      return shapeOfCreate(tokens);
    case "DROP":
    case "ALTER":
    case "REINDEX":
    case "ANALYZE":
      checkTextNames(tokens);
      return DDL;
    case "VACUUM":
      if (tokens.some((token) => keywordOf(token) === "INTO")) refuse("VACUUM INTO writes a file");
      return { ...DDL, isVacuum: true };
    case "EXPLAIN":
      return shapeOfExplain(tokens);
    case "PRAGMA":
      return shapeOfPragma(tokens);
    case "ATTACH":
    case "DETACH":
      return refuse(`${verb} reaches another file`);
    case "BEGIN":
    case "COMMIT":
    case "END":
    case "ROLLBACK":
    case "SAVEPOINT":
    case "RELEASE":
      return refuse(
        `${verb} is not available as a statement: a connection is shared`,
        "Use a batch, which is atomic, or an interactive transaction.",
      );
    default:
      // No statement at all: SQLite says where it stops making sense.
      return READ;
  }
}

function refuse(reason: string, fix?: string): never {
  throw new AerostackError("DB_STATEMENT_REFUSED", {
    message: `This SQL statement is not allowed: ${reason}.`,
    ...(fix === undefined ? {} : { fix }),
  });
}

function isReserved(name: string): boolean {
  return RESERVED_PREFIXES.some((prefix) => name.startsWith(prefix));
}

function checkNames(tokens: readonly Token[]): void {
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at];
    if (token === undefined || !isName(token)) continue;
    const name = foldName(token.text);
    if (isReserved(name)) refuse(`access to ${token.text} is prohibited`);
    const next = tokens[at + 1];
    if (REFUSED_FUNCTION.test(name) && next?.text === "(") refuse(`the function ${name} is not available`);
    if (name.startsWith("pragma_")) checkPragmaFunction(name.slice("pragma_".length));
  }
}

/** Where only a name fits SQLite takes a string for one, so in statements about the schema strings count as names. */
function checkTextNames(tokens: readonly Token[]): void {
  for (const token of tokens) {
    if (token.kind === "string" && isReserved(foldName(token.text))) refuse(`access to ${token.text} is prohibited`);
  }
}

function mutation(tokens: readonly Token[]): StatementShape {
  // ON CONFLICT ROLLBACK ends the whole transaction, so nobody else's write may be in it.
  return tokens.some((token) => keywordOf(token) === "ROLLBACK") ? { ...WRITE, needsOwnTransaction: true } : WRITE;
}

/** The first verb outside parentheses after WITH is what the statement does. */
function shapeOfWith(tokens: readonly Token[]): StatementShape {
  let depth = 0;
  for (const token of tokens) {
    if (token.kind === "operator") {
      if (token.text === "(") depth++;
      else if (token.text === ")") depth--;
    } else if (depth === 0) {
      const keyword = keywordOf(token);
      if (keyword === "SELECT" || keyword === "VALUES") return READ;
      if (keyword === "INSERT" || keyword === "REPLACE" || keyword === "UPDATE" || keyword === "DELETE") {
        return mutation(tokens);
      }
    }
  }
  return READ;
}

function shapeOfCreate(tokens: readonly Token[]): StatementShape {
  checkTextNames(tokens);
  const second = keywordOf(tokens[1]);
  const refuseTemporary = () =>
    refuse(
      "temporary tables, views and triggers belong to one connection",
      "Create an ordinary one and drop it later.",
    );
  if (second === "TEMP" || second === "TEMPORARY") refuseTemporary();
  for (let at = 2; at < tokens.length - 1; at++) {
    const token = tokens[at];
    if (token === undefined || tokens[at + 1]?.text !== ".") continue;
    if (isName(token) && foldName(token.text) === "temp") refuseTemporary();
    break;
  }
  if (second === "VIRTUAL") {
    const using = tokens.findIndex((token) => keywordOf(token) === "USING");
    const module = tokens[using + 1];
    if (using !== -1 && module !== undefined && !VIRTUAL_TABLE_MODULES.has(foldName(module.text))) {
      refuse(`the virtual table module ${module.text} is not available`);
    }
  }
  return DDL;
}

function shapeOfExplain(tokens: readonly Token[]): StatementShape {
  const rest = keywordOf(tokens[1]) === "QUERY" ? tokens.slice(3) : tokens.slice(1);
  // A PRAGMA may take effect while it is only prepared.
  if (keywordOf(rest[0]) === "PRAGMA") refuse("a PRAGMA cannot be explained");
  checkStatement(rest);
  return READ;
}

function checkPragmaFunction(name: string): void {
  if (!READ_PRAGMAS.has(name) && !READ_ONLY_PRAGMAS.has(name) && !STORED_PRAGMAS.has(name)) {
    refuse(`the table-valued function pragma_${name} is not available`);
  }
}

function shapeOfPragma(tokens: readonly Token[]): StatementShape {
  let at = 1;
  if (tokens[2]?.text === ".") {
    if (foldName(tokens[1]?.text ?? "") !== "main") refuse("only the schema main exists");
    at = 3;
  }
  checkTextNames(tokens.slice(at));
  const name = foldName(tokens[at]?.text ?? "");
  const hasValue = tokens.length > at + 1;
  if (READ_PRAGMAS.has(name)) return READ;
  if (STORED_PRAGMAS.has(name)) return hasValue ? { ...WRITE, isDdl: true } : READ;
  if (READ_ONLY_PRAGMAS.has(name) && !hasValue) return READ;
  // Always on. Inside a transaction, where D1 runs everything, setting it does nothing by SQLite's own rules.
  if (name === "foreign_keys") return hasValue ? { ...READ, isNoop: true } : READ;
  if (name === "defer_foreign_keys") return hasValue ? { ...WRITE, needsOwnTransaction: true } : READ;
  if (name === "optimize") return DDL;
  return refuse(`PRAGMA ${name}${hasValue ? " with a value" : ""} is not available`);
}
