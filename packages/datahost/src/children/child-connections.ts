import { type ChildChanges, createChildChanges } from "../changes/child-changes.ts";
import { type CommitLog, createCommitLog } from "../sql/commit-log.ts";
import { type CompilableStatement, type CompiledStatement, compileStatement } from "../sql/compile-statement.ts";
import { LruMap } from "../sql/lru-map.ts";
import { openDatabase } from "../sql/open-database.ts";
import { type ChangeCounter, createChangeCounter } from "../sql/run-statement.ts";
import { readSchemaFacts, type SchemaFacts } from "../sql/schema-facts.ts";
import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import type { ChildDatabase, ChildSettings } from "./child-protocol.ts";

/** A database opened in a SQL process. */
export interface ChildConnection {
  readonly path: string;
  readonly sqlite: SqliteDatabase;
  readonly commitLog: CommitLog;
  readonly counter: ChangeCounter;
  readonly changes: ChildChanges;
  readonly facts: () => SchemaFacts;
  readonly compile: (statement: CompilableStatement) => CompiledStatement;
  /** After the schema may have changed. */
  readonly forgetSchema: () => void;
  readonly sizeBytes: () => number;
  /** Forgets what another connection may have changed. */
  readonly refresh: () => void;
}

export interface ChildConnections {
  open(database: ChildDatabase): ChildConnection;
  close(path: string): void;
  closeAll(): void;
}

const MAX_CONNECTIONS = 16;
const MAX_STATEMENTS = 64;
const CACHE_KIB = 8192;
/** Writers of other processes hold the lock for a commit only; an orphan of a crashed host for as long as a statement may run. */
const BUSY_TIMEOUT_MS = 5_000;

export function createChildConnections(settings: ChildSettings): ChildConnections {
  const connections = new Map<string, ChildConnection>();

  function open(database: ChildDatabase): ChildConnection {
    const known = connections.get(database.path);
    if (known !== undefined) {
      connections.delete(database.path);
      connections.set(database.path, known);
      return known;
    }
    const [oldest] = connections.keys();
    if (connections.size >= MAX_CONNECTIONS && oldest !== undefined) close(oldest);
    const connection = connect(database, settings);
    connections.set(database.path, connection);
    return connection;
  }

  function close(path: string): void {
    connections.get(path)?.sqlite.close();
    connections.delete(path);
  }

  return {
    open(database) {
      const connection = open(database);
      connection.refresh();
      if (settings.role === "writer") connection.changes.watch(database.watch);
      return connection;
    },
    close,
    closeAll() {
      for (const path of [...connections.keys()]) close(path);
    },
  };
}

function connect(database: ChildDatabase, settings: ChildSettings): ChildConnection {
  const sqlite = openDatabase({
    path: database.path,
    key: Buffer.from(database.key, "base64"),
    maxDatabaseBytes: settings.maxDatabaseBytes,
    busyTimeoutMs: BUSY_TIMEOUT_MS,
    cacheKib: CACHE_KIB,
    sync: "each-commit",
    queryOnly: settings.role === "reader",
  });
  const schemaVersion = sqlite.prepare("PRAGMA schema_version").pluck();
  const pageCount = sqlite.prepare("PRAGMA page_count").pluck();
  const statements = new LruMap<string, CompiledStatement>(MAX_STATEMENTS);
  let facts: SchemaFacts | undefined;
  let version = -1;

  const changes = createChildChanges(sqlite, { now: Date.now });

  const commitLog = createCommitLog(sqlite, Date.now);

  function forgetSchema(): void {
    facts = undefined;
    statements.clear();
    changes.forgetSchema();
  }

  const currentFacts = () => {
    facts ??= readSchemaFacts(sqlite);
    return facts;
  };

  return {
    path: database.path,
    sqlite,
    commitLog,
    counter: createChangeCounter(sqlite),
    changes,
    facts: currentFacts,
    compile(statement) {
      let compiled = statements.get(statement.sql);
      if (compiled === undefined) {
        compiled = compileStatement(sqlite, currentFacts(), statement);
        statements.set(statement.sql, compiled);
      }
      return compiled;
    },
    forgetSchema,
    sizeBytes: () => (pageCount.get() as number) * 4096,
    refresh() {
      const current = schemaVersion.get() as number;
      if (current !== version) forgetSchema();
      version = current;
      commitLog.forget();
    },
  };
}
