import { rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, deriveKey, type RpcHandler } from "@aerostack/kernel";
import { createBindingDoor } from "./binding-door.ts";
import type { WatchRequest } from "./changes/watches.ts";
import { createGrants } from "./grants.ts";
import type { LetGo } from "./kv/kv-leases.ts";
import { createPieceSender } from "./large-results.ts";
import type { HostLimits } from "./limits.ts";
import type { DatabaseMethods, HostStats } from "./protocol.ts";
import type { Timers } from "./queue/due-alarm.ts";
import { createSqlServices } from "./sql/sql-services.ts";
import type { BindingHandler } from "./state/binding-handler.ts";
import { createStateServices } from "./state/state-services.ts";

export interface HostOptions {
  readonly dataDir: string;
  /** 32 bytes. */
  readonly masterKey: Uint8Array;
  readonly limits: HostLimits;
  readonly s3Url?: string | undefined;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Tokens that are known already, with their projects: processes that outlived the last host ask at once. */
  readonly grants: Iterable<readonly [token: string, projectId: string]>;
  /** Tables whose changes the server listens to, and how far it has heard. */
  readonly watches: readonly WatchRequest[];
  readonly emit: (name: string, value: unknown) => void;
  /** Asks the server to forget values of keys that it holds. */
  readonly letGo: LetGo;
  readonly onError: (error: unknown, where: string) => void;
}

export interface Host {
  /** Methods of `DatabaseMethods`, and those of key-value, queues and objects. */
  readonly handlers: Readonly<Record<string, RpcHandler>>;
  /** Takes nothing new, lets what was accepted end, and writes everything out. */
  close(): Promise<void>;
}

/** Every service of the data host, and the door for bindings, in this process. */
export async function startHost(options: HostOptions): Promise<Host> {
  const { dataDir, masterKey, limits, clock, onError } = options;
  const startedMs = clock.now();
  const runDirectory = join(dataDir, "run");
  await mkdir(runDirectory, { recursive: true, mode: 0o700 });
  const grants = createGrants();
  for (const [token, projectId] of options.grants) grants.register(token, projectId);

  const state = createStateServices({
    hostDir: join(dataDir, "host"),
    s3Url: options.s3Url,
    keyFor: (name) => deriveKey(masterKey, name),
    clock,
    timers: options.timers,
    onQueueReady: (name) => options.emit("queue.ready", name),
    onRelocation: (progress) => options.emit("host.relocation", progress),
    letGo: options.letGo,
    onError,
  });
  const sql = createSqlServices({
    dataDir,
    masterKey,
    limits,
    clock,
    onError,
    sendPieces: createPieceSender(options.emit),
    watches: options.watches,
    onChanges: (event) => options.emit("db.changes", event),
  });
  const bindings: Record<string, BindingHandler> = { ...state.bindings, ...sql.bindings };
  const door = createBindingDoor({ grants, handlers: bindings, onError });
  const socketPath = join(runDirectory, "host.sock");
  rmSync(socketPath, { force: true });
  await new Promise<void>((resolve, reject) => {
    door.once("error", reject);
    door.listen(socketPath, resolve);
  });
  state.start();
  sql.start();

  return {
    handlers: {
      ...state.rpc,
      ...sql.rpc,
      "grants.register"({ token, projectId }: DatabaseMethods["grants.register"]["params"]) {
        grants.register(token, projectId);
        return null;
      },
      "grants.revoke"({ token }: DatabaseMethods["grants.revoke"]["params"]) {
        grants.revoke(token);
        return null;
      },
      async "project.delete"({ projectId }: DatabaseMethods["project.delete"]["params"]) {
        await Promise.all([sql.deleteProject(projectId), state.deleteProject(projectId)]);
        return null;
      },
      "host.stats": (): HostStats => ({
        uptimeMs: clock.now() - startedMs,
        grants: grants.size,
        memoryBytes: process.memoryUsage.rss(),
        ...sql.stats(),
      }),
    },
    async close() {
      const closed = new Promise<void>((resolve) => door.close(() => resolve()));
      door.closeIdleConnections();
      await sql.close();
      door.closeAllConnections();
      await closed;
      state.close();
    },
  };
}
