import { AerostackError } from "@aerostack/contracts/errors";
import type { SqliteDatabase, Statement } from "../state/sqlite-driver.ts";
import { isAboutString, prepareWithStrings, type RereadStatement } from "./double-quoted-strings.ts";
import { findErrorOffset } from "./error-offset.ts";
import type { PlannedStatement } from "./plan.ts";
import {
  allInstructions,
  calledFunction,
  type ExplainRow,
  type Instruction,
  type Program,
  ROOT_IN_REGISTER,
  readProgram,
} from "./program.ts";
import type { SchemaFacts } from "./schema-facts.ts";
import { isSqliteError } from "./sqlite-errors.ts";
import { isRefusedFunction } from "./statement-rules.ts";
import { boundSteps, type StepBound } from "./step-bound.ts";
import { analyseGrowth, type ValueGrowth } from "./value-growth.ts";

/** A prepared statement, and what its instructions tell about it. */
export interface CompiledStatement {
  /** Gives rows as lists. */
  readonly statement: Statement;
  readonly columns: readonly string[];
  readonly isReader: boolean;
  readonly isReadonly: boolean;
  readonly bound: StepBound;
  /** Index entries made for each row that is written. */
  readonly indexesPerRow: number;
  readonly growth: ValueGrowth;
  /** Ordinary tables that it writes to. */
  readonly writtenTables: readonly string[];
}

/** What compiling needs to know of a statement. */
export type CompilableStatement = Pick<PlannedStatement, "sql" | "verb" | "leadBytes" | "closing">;

type Writes = Pick<CompiledStatement, "indexesPerRow" | "growth" | "writtenTables">;

const NOTHING_WRITTEN: Writes = {
  indexesPerRow: 0,
  growth: { canGrow: false, maxParameterUses: 1, columns: 1, changesRows: false },
  writtenTables: [],
};

/** Statements that EXPLAIN cannot list, or that may take effect while they are only listed. */
const NOT_EXPLAINED = /^(?:explain|pragma|vacuum)$/i;

/**
 * Prepares one statement and reads its instructions, which show what no quoting can hide.
 *
 * @throws AerostackError DB_STATEMENT_REFUSED when it touches the platform's table or calls a function that reaches out of
 * the database; SqliteError as SQLite reports it.
 */
export function compileStatement(
  db: SqliteDatabase,
  facts: SchemaFacts,
  statement: CompilableStatement,
): CompiledStatement {
  const { statement: prepared, sql, columnName } = prepare(db, statement);
  const isReader = prepared.reader;
  if (isReader) prepared.raw(true);
  const base = {
    statement: prepared,
    columns: isReader ? prepared.columns().map(({ name }) => columnName?.(name) ?? name) : [],
    isReader,
    isReadonly: prepared.readonly,
  };
  if (NOT_EXPLAINED.test(statement.verb)) {
    return { ...base, bound: { kind: "unbounded", reason: statement.verb }, ...NOTHING_WRITTEN };
  }
  const program = readProgram(explain(db, sql));
  checkReach(program, facts, statement.verb);
  return {
    ...base,
    bound: boundSteps(program, {
      readonly: prepared.readonly,
      sqlLength: sql.length,
      rootPage: facts.rootPage,
    }),
    ...(prepared.readonly ? NOTHING_WRITTEN : describeWrites(program, facts)),
  };
}

/** With the text that it was prepared from. */
type Prepared = Pick<RereadStatement, "statement" | "sql"> & Partial<Pick<RereadStatement, "columnName">>;

function prepare(db: SqliteDatabase, { sql, verb, leadBytes, closing }: CompilableStatement): Prepared {
  try {
    return { statement: db.prepare(sql), sql };
  } catch (error) {
    if (!isSqliteError(error)) throw error;
    if (isAboutString(verb, error)) return prepareWithStrings(db, sql, error);
    // Only the text that it was sent with shows what SQLite would have met next.
    if (error.message === "incomplete input" && closing !== "") {
      error.message = 'near ";": syntax error';
      error.offset = leadBytes + Buffer.byteLength(sql + closing) - 1;
    } else {
      const offset = findErrorOffset(db, sql, error.message);
      if (offset !== undefined) error.offset = leadBytes + offset;
    }
    throw error;
  }
}

function explain(db: SqliteDatabase, sql: string): ExplainRow[] {
  // The driver's own method: it needs no values for the parameters.
  return (db as unknown as { explain(source: string): ExplainRow[] }).explain(sql);
}

function checkReach(program: Program, facts: SchemaFacts, verb: string): void {
  const mayReadAll = READS_EVERY_TABLE.test(verb);
  for (const instruction of allInstructions(program)) {
    if (!mayReadAll && facts.isReservedRoot(rootOf(instruction) ?? -1)) {
      refuse("access to a reserved table is prohibited");
    }
    const name = calledFunction(instruction);
    if (name !== undefined && isRefusedFunction(name)) refuse(`the function ${name} is not available`);
  }
}

/** Statements that go over all tables without giving anything of them away. */
const READS_EVERY_TABLE = /^(?:analyze|reindex)$/i;

/** The root page of the table that an instruction opens, empties or drops. */
function rootOf({ opcode, p1, p2, p3, p5 }: Instruction): number | undefined {
  switch (opcode) {
    case "OpenRead":
    case "OpenWrite":
      return p3 === 0 && (p5 & ROOT_IN_REGISTER) === 0 ? p2 : undefined;
    case "Clear":
      return p2 === 0 ? p1 : undefined;
    case "Destroy":
      return p3 === 0 ? p1 : undefined;
    default:
      return undefined;
  }
}

function refuse(reason: string): never {
  throw new AerostackError("DB_STATEMENT_REFUSED", { message: `This SQL statement is not allowed: ${reason}.` });
}

function countIndexWrites(program: Program, facts: SchemaFacts): number {
  const indexCursors = new Set<number>();
  const inserted = new Set<number>();
  for (const { opcode, p1, p2 } of program.main) {
    if (opcode === "OpenWrite" && facts.rootPage(p2)?.isIndex === true) indexCursors.add(p1);
    if (opcode === "IdxInsert" && indexCursors.has(p1)) inserted.add(p1);
  }
  return inserted.size;
}

function describeWrites(program: Program, facts: SchemaFacts): Writes {
  const tables = new Set<string>();
  for (const instruction of allInstructions(program)) {
    const root = instruction.opcode === "OpenWrite" ? facts.rootPage(rootOf(instruction) ?? -1) : undefined;
    const isSystem = root?.isIndex || root?.isShadow || root?.table.startsWith("sqlite_");
    if (root !== undefined && !isSystem) tables.add(root.table);
  }
  return {
    indexesPerRow: countIndexWrites(program, facts),
    growth: analyseGrowth(program, facts.rootPage),
    writtenTables: [...tables],
  };
}
