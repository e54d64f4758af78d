import { AerostackError, type SerialisedError } from "@aerostack/contracts/errors";
import { encodeResults, type ResultContext, type ResultFormat, sizeOfRow } from "../sql/encode-results.ts";
import { arrangeValues, type BindValue } from "../sql/parameters.ts";
import { atLine, type PlannedStatement, planText } from "../sql/plan.ts";
import {
  emptyResult,
  joinResults,
  type RowBudget,
  readResult,
  readRows,
  runWrite,
  type StatementResult,
} from "../sql/run-statement.ts";
import { SEQUENCE_TABLE } from "../sql/schema-facts.ts";
import { toQueryError, wrongParameterCount } from "../sql/sqlite-errors.ts";
import { foldName } from "../sql/tokenizer.ts";
import { type NumberBinding, sizeOfValues, toBindValues, tooBig } from "../sql/values.ts";
import { statementsOf } from "../sql/write-queue.ts";
import { type ChildConnection, createChildConnections } from "./child-connections.ts";
import type { ChildAnswer, ChildQuery, ChildRequest, ChildSettings } from "./child-protocol.ts";
import { createExportReader, type ExportReader } from "./export-reader.ts";
import { createImportWriter, type ImportWriter } from "./import-writer.ts";
import { checkSchemaSize, checkSequenceSize, createdTableOf } from "./schema-limits.ts";
import { hasLargeRow, withValueGuard } from "./value-guard.ts";

export interface ChildResponse {
  readonly answer: ChildAnswer;
  readonly body?: Buffer;
}

/** How the statements of one request run. */
export interface RunOptions {
  readonly format: ResultFormat;
  readonly numbers: NumberBinding;
  readonly allowDdl: boolean;
}

type RunRequest = Extract<ChildRequest, { kind: "run" }>;

/**
 * Does the work of a SQL process: everything that a user's SQL may take long for. It knows nothing of other processes; who
 * asks it sends one request at a time and kills it when it takes too long.
 */
export class ChildSession {
  readonly #settings: ChildSettings;
  readonly #connections;
  readonly #isOrphan: () => boolean;
  #transaction:
    | { readonly connection: ChildConnection; readonly allowDdl: boolean; changedSchema: boolean }
    | undefined;
  #export: ExportReader | undefined;
  #import: ImportWriter | undefined;

  /** @param isOrphan whether the host is gone: then nothing may be committed any more, for its successor asks what was. */
  constructor(settings: ChildSettings, isOrphan: () => boolean) {
    this.#settings = settings;
    this.#isOrphan = isOrphan;
    this.#connections = createChildConnections(settings);
  }

  handle(request: ChildRequest): ChildResponse {
    try {
      return this.#handle(request);
    } catch (error) {
      return { answer: toAnswer(error) };
    }
  }

  close(): void {
    this.#connections.closeAll();
  }

  #handle(request: ChildRequest): ChildResponse {
    switch (request.kind) {
      case "run":
        return this.#run(request);
      case "tx.begin":
        return this.#begin(request);
      case "tx.query":
        return this.#queryInTransaction(request);
      case "tx.commit":
        return this.#commit(request.writeId);
      case "tx.rollback":
        this.#rollback();
        return { answer: {} };
      case "dump":
        return this.#dump(request);
      case "export.open":
        this.#export = createExportReader(this.#connections.open(request.database).sqlite);
        return { answer: {} };
      case "export.next": {
        const piece = this.#export?.next() ?? { text: "", done: true };
        return { answer: { done: piece.done }, body: Buffer.from(piece.text) };
      }
      case "export.close":
        this.#export?.close();
        this.#export = undefined;
        return { answer: {} };
      case "import.open": {
        const connection = this.#connections.open(request.database);
        const options = { format: "rpc", numbers: "integer", allowDdl: true } as const;
        this.#import = createImportWriter(connection, this.#settings, (planned) =>
          this.#runPlanned(connection, planned, [], options),
        );
        return { answer: {} };
      }
      case "import.chunk":
        this.#import?.write(request.text);
        return { answer: {} };
      case "import.commit": {
        const writing = this.#import;
        if (writing === undefined) throw new AerostackError("NOT_FOUND");
        this.#import = undefined;
        return { answer: { count: writing.commit(request.writeId, this.#checkParent) } };
      }
      case "import.abort":
        this.#import?.abort();
        this.#import = undefined;
        return { answer: {} };
      case "close":
        this.#connections.close(request.path);
        return { answer: {} };
    }
  }

  readonly #checkParent = (): void => {
    if (this.#isOrphan()) throw new Error("the host is gone");
  };

  #run(request: RunRequest): ChildResponse {
    const connection = this.#connections.open(request.database);
    const plans = request.queries.map((query) => planText(query.sql, this.#settings));
    const [only] = plans[0]?.statements ?? [];
    if (plans.length === 1 && plans[0]?.statements.length === 1 && only?.shape.isVacuum) {
      connection.sqlite.exec(only.sql);
      connection.forgetSchema();
      return this.#respond(connection, [emptyResult()], request, false);
    }
    return request.write ? this.#runWrites(connection, request) : this.#runReads(connection, request);
  }

  #runReads(connection: ChildConnection, request: RunRequest): ChildResponse {
    const { sqlite } = connection;
    const needsSnapshot = request.queries.length > 1;
    if (needsSnapshot) sqlite.exec("BEGIN");
    try {
      const options = { ...request, allowDdl: false };
      const results = request.queries.map((query) => this.#runQuery(connection, query, options));
      return this.#respond(connection, results, request, false);
    } finally {
      if (sqlite.inTransaction) sqlite.exec("COMMIT");
    }
  }

  #runWrites(connection: ChildConnection, request: RunRequest): ChildResponse {
    const { sqlite, commitLog } = connection;
    const { writeId, firstSentAt } = request;
    const statements = statementsOf(sqlite);
    const options = { ...request, allowDdl: true };
    statements.begin.run();
    try {
      const applied =
        writeId === undefined || firstSentAt === undefined ? undefined : commitLog.find(writeId, firstSentAt);
      if (applied !== undefined) {
        statements.rollback.run();
        return { answer: { applied } };
      }
      const before = connection.facts();
      const results = request.queries.map((query) => this.#runQuery(connection, query, options));
      const changedSchema = connection.facts() !== before;
      if (changedSchema) checkSchemaSize(sqlite, this.#settings);
      const response = this.#respond(connection, results, request, changedSchema);
      this.#commitWith(connection, writeId, results);
      return response;
    } catch (error) {
      this.#undo(connection);
      throw error;
    }
  }

  #commitWith(connection: ChildConnection, writeId: string | undefined, results: readonly StatementResult[]): void {
    if (writeId !== undefined) {
      const changes = results.reduce((sum, result) => sum + result.changes, 0);
      connection.commitLog.append([{ writeId, changes, lastRowId: results.at(-1)?.lastRowId ?? 0 }]);
    }
    connection.changes.append();
    this.#checkParent();
    statementsOf(connection.sqlite).commit.run();
  }

  #undo(connection: ChildConnection): void {
    if (connection.sqlite.inTransaction) statementsOf(connection.sqlite).rollback.run();
    connection.changes.undone();
    connection.commitLog.forget();
    connection.forgetSchema();
  }

  #inSavepoint<T>(connection: ChildConnection, run: () => T): T {
    const statements = statementsOf(connection.sqlite);
    const { mark } = connection.changes;
    statements.savepoint.run();
    try {
      const value = run();
      statements.release.run();
      return value;
    } catch (error) {
      // A conflict clause ROLLBACK, or a full disk, ended the transaction.
      if (connection.sqlite.inTransaction) {
        statements.undo.run();
        statements.release.run();
        connection.changes.rewind(mark);
        connection.forgetSchema();
        connection.changes.afterDdl();
      }
      throw error;
    }
  }

  #runQuery(connection: ChildConnection, query: ChildQuery, options: RunOptions): StatementResult {
    const plan = planText(query.sql, this.#settings);
    const values = toBindValues(query.params, options.numbers, this.#settings.maxValueBytes);
    const last = plan.statements.length - 1;
    return joinResults(
      plan.statements.map((planned, at) =>
        atLine(plan, planned, () => this.#runPlanned(connection, planned, at === last ? values : [], options)),
      ),
    );
  }

  #runPlanned(
    connection: ChildConnection,
    planned: PlannedStatement,
    values: readonly BindValue[],
    options: RunOptions,
  ): StatementResult {
    const { shape } = planned;
    const isCountRight = values.length === planned.layout.count;
    if (shape.isNoop && isCountRight) return emptyResult();
    if (shape.isDdl && !options.allowDdl) throw refused("this mode does not change the schema");
    if (shape.isVacuum) throw refused("VACUUM runs on its own, outside a batch or transaction");
    // What is wrong with its text is said first, as in D1.
    const compiled = shape.isNoop ? null : connection.compile(planned);
    if (compiled === null || !isCountRight) throw wrongParameterCount();
    const args = arrangeValues(planned.layout, values);
    const budget = this.#createBudget(options.format);
    if (compiled.isReadonly && shape.kind === "read") {
      const startedMs = performance.now();
      return readResult(compiled, readRows(compiled, args, budget) ?? [], startedMs);
    }
    const run = () => runWrite(compiled, args, connection.counter, budget) ?? emptyResult();
    if (shape.isDdl) {
      connection.changes.beforeDdl();
      const result = run();
      connection.forgetSchema();
      connection.changes.afterDdl();
      const table = createdTableOf(planned.tokens);
      if (table !== undefined && hasLargeRow(connection.sqlite, table, this.#settings.maxValueBytes)) throw tooBig();
      return result;
    }
    const boundBytes = sizeOfValues(values) * compiled.growth.maxParameterUses;
    const mayGrow = compiled.growth.canGrow || boundBytes > this.#settings.maxValueBytes / compiled.growth.columns;
    const result = mayGrow
      ? withValueGuard(connection.sqlite, compiled.writtenTables, this.#settings.maxValueBytes, run)
      : run();
    if (planned.tokens.some((token) => foldName(token.text) === SEQUENCE_TABLE)) checkSequenceSize(connection.sqlite);
    return result;
  }

  #createBudget(format: ResultFormat): RowBudget {
    const { maxResultBytes } = this.#settings;
    const maxRows = format === "rpc" ? this.#settings.maxResultRows : Number.POSITIVE_INFINITY;
    let bytes = 0;
    let rows = 0;
    return (row) => {
      bytes += sizeOfRow(row, format);
      if (bytes > maxResultBytes) throw resultTooLarge(maxResultBytes);
      if (++rows > maxRows) {
        throw new AerostackError("DB_RESULT_TOO_LARGE", {
          message: `The result has more than ${maxRows.toLocaleString("en")} rows.`,
          details: { maxRows },
        });
      }
      return true;
    };
  }

  #respond(
    connection: ChildConnection,
    results: readonly StatementResult[],
    request: { readonly format: ResultFormat; readonly single: boolean },
    changedSchema: boolean,
  ): ChildResponse {
    // Which commit this is the host knows, and puts it beside the answer.
    const context: ResultContext = { sizeAfterBytes: connection.sizeBytes(), changedSchema, commitSequence: 0 };
    const body = Buffer.from(encodeResults(results, context, request.format, request.single));
    const { maxResultBytes } = this.#settings;
    if (body.length > maxResultBytes + RESULT_FRAME_BYTES) throw resultTooLarge(maxResultBytes);
    return { answer: {}, body };
  }

  #begin(request: Extract<ChildRequest, { kind: "tx.begin" }>): ChildResponse {
    const connection = this.#connections.open(request.database);
    statementsOf(connection.sqlite).begin.run();
    this.#transaction = { connection, allowDdl: request.allowDdl, changedSchema: false };
    return { answer: {} };
  }

  #openTransaction() {
    const transaction = this.#transaction;
    if (transaction === undefined || !transaction.connection.sqlite.inTransaction) {
      throw new AerostackError("DB_TRANSACTION_EXPIRED");
    }
    return transaction;
  }

  #queryInTransaction(request: Extract<ChildRequest, { kind: "tx.query" }>): ChildResponse {
    const transaction = this.#openTransaction();
    const { connection } = transaction;
    const before = connection.facts();
    const options = { ...request, allowDdl: transaction.allowDdl };
    const results = this.#inSavepoint(connection, () =>
      request.queries.map((query) => this.#runQuery(connection, query, options)),
    );
    const changedSchema = connection.facts() !== before;
    if (changedSchema) transaction.changedSchema = true;
    return this.#respond(connection, results, request, changedSchema);
  }

  #commit(writeId: string | undefined): ChildResponse {
    const { connection, changedSchema } = this.#openTransaction();
    try {
      if (changedSchema) checkSchemaSize(connection.sqlite, this.#settings);
      this.#commitWith(connection, writeId, []);
      return { answer: {} };
    } catch (error) {
      this.#undo(connection);
      throw error;
    } finally {
      this.#transaction = undefined;
    }
  }

  #rollback(): void {
    const transaction = this.#transaction;
    this.#transaction = undefined;
    if (transaction !== undefined) this.#undo(transaction.connection);
  }

  #dump(request: Extract<ChildRequest, { kind: "dump" }>): ChildResponse {
    const connection = this.#connections.open(request.database);
    if (connection.sizeBytes() > request.maxBytes) throw new AerostackError("DB_RESULT_TOO_LARGE");
    const bytes = connection.sqlite.serialize();
    // The file says that it has a write-ahead log, which a copy has not (bytes 18 and 19 of SQLite's file format).
    bytes[18] = 1;
    bytes[19] = 1;
    return { answer: {}, body: bytes };
  }
}

/** What stands around the rows in an answer. */
const RESULT_FRAME_BYTES = 64 * 1024;

function refused(reason: string): AerostackError {
  return new AerostackError("DB_STATEMENT_REFUSED", { message: `This SQL statement is not allowed: ${reason}.` });
}

function toAnswer(error: unknown): ChildAnswer {
  const seen = toQueryError(error);
  if (seen instanceof AerostackError) return { error: seen.toSerialised() };
  const internal: SerialisedError = new AerostackError("INTERNAL_ERROR").toSerialised();
  return { error: internal, defect: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

function resultTooLarge(maxBytes: number): AerostackError {
  return new AerostackError("DB_RESULT_TOO_LARGE", {
    message: `The result is larger than ${Math.round(maxBytes / 1_048_576)} MiB.`,
    details: { maxBytes },
  });
}
