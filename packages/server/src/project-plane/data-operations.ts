import { type CachedValue, createCachedValues } from "../cache/cached-values.ts";
import type { HeldValues } from "../cache/held-values.ts";
import { createCacheOperations } from "../cache/operations.ts";
import type { createCollections } from "../collections/create-collections.ts";
import { createDatabaseOperations } from "../database/operations.ts";
import type { createDatabaseService } from "../database/service.ts";
import type { Operation } from "../edge/define-operation.ts";
import type { createEndUsers } from "../endusers/create-end-users.ts";
import type { Functions } from "../functions/create-functions.ts";
import { createServiceOperations } from "../functions/operations.ts";
import type { HostCall } from "../kernel/host-call.ts";
import type { Jobs } from "../queue/jobs.ts";
import { createJobOperations } from "../queue/operations.ts";
import type { createRealtime } from "../realtime/create-realtime.ts";
import { createRpcOperations } from "../rpc/operations.ts";
import type { createStorage } from "../storage/create-storage.ts";

/** A mail that a function sends is tried for this long. */
const MAIL_USEFUL_FOR_MS = 24 * 60 * 60_000;

export interface DataOperationsParts {
  readonly call: HostCall;
  readonly held: HeldValues<CachedValue>;
  readonly databases: ReturnType<typeof createDatabaseService>;
  readonly jobs: Jobs;
  readonly functions: Functions;
  readonly collections: ReturnType<typeof createCollections>;
  readonly storage: ReturnType<typeof createStorage>;
  readonly realtime: ReturnType<typeof createRealtime>;
  readonly endUsers: ReturnType<typeof createEndUsers>;
}

/** Everything that a project's keys can call below `/v1`. */
export function createDataOperations(parts: DataOperationsParts): Operation[] {
  const { databases, jobs, functions, collections, storage, realtime, endUsers } = parts;
  const cache = createCachedValues(parts.call, parts.held);
  return [
    ...createDatabaseOperations(databases),
    ...createCacheOperations(cache),
    ...createJobOperations(jobs),
    ...createServiceOperations(functions.invoke),
    ...realtime.operations,
    ...createRpcOperations({
      databases,
      cache,
      jobs,
      emit: realtime.emit,
      findUser: (projectId, by) =>
        "id" in by ? endUsers.getUser(projectId, by.id) : endUsers.getUserByEmail(projectId, by.email),
      async sendEmail(projectId, { to, subject, body }) {
        const message = { channel: "mail", to, subject, text: body } as const;
        await endUsers.outbox.put({ ...message, projectId, kind: "function", usefulForMs: MAIL_USEFUL_FOR_MS });
        return { success: true };
      },
    }),
    ...collections.operations,
    ...storage.operations,
    ...endUsers.operations,
  ];
}
