import { randomUUID } from "node:crypto";
import { AerostackError } from "@aerostack/contracts/errors";
import type { ChildPool, SqlProcessLease } from "../children/child-pool.ts";
import { ChildCrashed } from "../children/child-process.ts";
import type { ChildRequest } from "../children/child-protocol.ts";
import type { HostLimits } from "../limits.ts";
import { toChildDatabase } from "../sql/engine.ts";
import type { UserDatabase } from "../sql/user-database.ts";
import type { UserDatabases } from "../sql/user-databases.ts";

interface Scope {
  readonly projectId: string;
  readonly database: string;
}

/** Whole databases in and out, as SQL text piece by piece, or as a SQLite file. */
export interface Transfers {
  openExport(scope: Scope): Promise<string>;
  nextPiece(exportId: string): Promise<{ text: string; done: boolean }>;
  closeExport(exportId: string): Promise<void>;
  openImport(scope: Scope): Promise<string>;
  writePiece(importId: string, text: string): Promise<void>;
  /** @returns how many statements were run. */
  commitImport(importId: string, writeId: string | undefined): Promise<number>;
  abortImport(importId: string): Promise<void>;
  /** The database as a plain SQLite file, decrypted. @throws AerostackError DB_RESULT_TOO_LARGE over 128 MB. */
  dump(scope: Scope): Promise<Buffer>;
  abort(projectId?: string): void;
}

export interface TransfersOptions {
  readonly databases: UserDatabases;
  readonly readers: ChildPool;
  readonly writers: ChildPool;
  readonly limits: HostLimits;
}

/** A transfer that nobody goes on with gives its process back. */
const IDLE_MS = 30_000;
/** A dump is held in memory as a whole. */
const MAX_DUMP_BYTES = 128 * 1024 * 1024;

interface Transfer {
  readonly projectId: string;
  readonly lease: SqlProcessLease;
  readonly end: () => void;
  idleTimer: NodeJS.Timeout | undefined;
}

export function createTransfers({ databases, readers, writers, limits }: TransfersOptions): Transfers {
  const open = new Map<string, Transfer>();

  function add(projectId: string, lease: SqlProcessLease, end: () => void): string {
    const id = randomUUID();
    const transfer: Transfer = { projectId, lease, end, idleTimer: undefined };
    open.set(id, transfer);
    watch(id, transfer);
    return id;
  }

  function watch(id: string, transfer: Transfer): void {
    transfer.idleTimer = setTimeout(() => drop(id), IDLE_MS);
  }

  /** Its process ends, and with it what it had open. */
  function drop(id: string): void {
    open.get(id)?.lease.process.kill();
    finish(id);
  }

  function finish(id: string): void {
    const transfer = open.get(id);
    if (transfer === undefined) return;
    open.delete(id);
    clearTimeout(transfer.idleTimer);
    transfer.end();
  }

  async function step(id: string, request: ChildRequest) {
    const transfer = open.get(id);
    if (transfer === undefined) {
      throw new AerostackError("NOT_FOUND", { message: "This export or import is over.", fix: "Start again." });
    }
    clearTimeout(transfer.idleTimer);
    try {
      const result = await transfer.lease.process.run(request, limits.maintenanceTimeoutMs);
      if (open.has(id)) watch(id, transfer);
      return result;
    } catch (error) {
      const isOver = error instanceof AerostackError && error.code !== "DB_QUERY_TIMEOUT";
      if (isOver) finish(id);
      else drop(id);
      throw error instanceof ChildCrashed ? new AerostackError("DB_MEMORY_LIMIT", { cause: error }) : error;
    }
  }

  /** A started process that works on the database until `end`. */
  function hold(
    database: UserDatabase,
    pool: ChildPool,
    request: ChildRequest,
    within: (work: () => Promise<void>) => Promise<void>,
  ): Promise<string> {
    const { projectId } = database.file;
    return new Promise((resolve, reject) => {
      within(async () => {
        database.connection();
        const lease = await pool.acquire(projectId);
        try {
          await lease.process.run(request, limits.queryTimeoutMs);
          await new Promise<void>((end) => resolve(add(projectId, lease, end)));
        } finally {
          lease.release();
        }
      }).catch(reject);
    });
  }

  return {
    openExport(scope) {
      const database = databases.get(scope.projectId, scope.database);
      const request = { kind: "export.open", database: toChildDatabase(database) } as const;
      return hold(database, readers, request, (work) => database.withForeignReader(work));
    },
    async nextPiece(exportId) {
      const { answer, body } = await step(exportId, { kind: "export.next" });
      if (answer.done) finish(exportId);
      return { text: body.toString(), done: answer.done === true };
    },
    async closeExport(exportId) {
      if (!open.has(exportId)) return;
      await step(exportId, { kind: "export.close" });
      finish(exportId);
    },
    openImport(scope) {
      const database = databases.get(scope.projectId, scope.database);
      const request = { kind: "import.open", database: toChildDatabase(database) } as const;
      return hold(database, writers, request, (work) =>
        database.writes.runExclusive(() =>
          database.withForeignWriter((schemaMayChange) => {
            schemaMayChange();
            return work();
          }),
        ),
      );
    },
    async writePiece(importId, text) {
      await step(importId, { kind: "import.chunk", text });
    },
    async commitImport(importId, writeId) {
      const { answer } = await step(importId, { kind: "import.commit", ...(writeId === undefined ? {} : { writeId }) });
      finish(importId);
      return answer.count ?? 0;
    },
    async abortImport(importId) {
      if (!open.has(importId)) return;
      await step(importId, { kind: "import.abort" });
      finish(importId);
    },
    dump(scope) {
      const database = databases.get(scope.projectId, scope.database);
      return database.withForeignReader(async () => {
        database.connection();
        const lease = await readers.acquire(scope.projectId);
        try {
          const request = { kind: "dump", database: toChildDatabase(database), maxBytes: MAX_DUMP_BYTES } as const;
          const { body } = await lease.process.run(request, limits.maintenanceTimeoutMs);
          return body;
        } finally {
          lease.release();
        }
      });
    },
    abort(projectId) {
      for (const [id, transfer] of open) if (projectId === undefined || transfer.projectId === projectId) drop(id);
    },
  };
}
