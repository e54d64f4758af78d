import { existsSync } from "node:fs";
import type { DatabaseFiles } from "../files/database-files.ts";
import type { DatabaseMethods } from "../protocol.ts";
import type { UserDatabases } from "../sql/user-databases.ts";
import type { Watches } from "./watches.ts";

type Params<Method extends keyof DatabaseMethods> = DatabaseMethods[Method]["params"];

export interface ChangesRpcOptions {
  readonly watches: Watches;
  readonly databases: UserDatabases;
  readonly files: DatabaseFiles;
}

/** Which changes of rows the server wants to hear of, and which it has. */
export function createChangesRpc({ watches, databases, files }: ChangesRpcOptions) {
  return {
    async "changes.watch"(request: Params<"changes.watch">): Promise<DatabaseMethods["changes.watch"]["result"]> {
      const { projectId, database } = request;
      const exists = existsSync(files.locate(projectId, database).path);
      // A database that is made later is told from its beginning.
      const watch = watches.set(exists ? request : { ...request, after: request.after ?? 0 });
      if (exists) await databases.get(projectId, database).setWatch(watch);
      return { seq: watch?.sentSeq ?? 0 };
    },
    "changes.ack"({ projectId, database, seq }: Params<"changes.ack">): null {
      const watch = watches.find(projectId, database);
      if (watch !== undefined) watch.acknowledgedSeq = Math.max(watch.acknowledgedSeq, seq);
      return null;
    },
  };
}
