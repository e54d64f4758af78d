import type { ChildProcess } from "node:child_process";
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { AerostackError } from "@aerostack/contracts/errors";
import { createRpcPeer, type RpcPeer, randomText, systemClock } from "@aerostack/kernel";
import { createToldWatches } from "./changes/told-watches.ts";
import type { HeldKey } from "./kv/kv-leases.ts";
import { createPieceReceiver } from "./large-results.ts";
import type { HostLimits } from "./limits.ts";
import { lostCallError, lostCallPolicy } from "./lost-calls.ts";
import type { StartMessage } from "./main.ts";
import { takeHostProcess } from "./spawn-host.ts";

export interface DataHostLogger {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export interface DataHostOptions {
  readonly dataDir: string;
  /** 32 bytes. */
  readonly masterKey: Uint8Array;
  readonly logger: DataHostLogger;
  readonly limits?: Partial<HostLimits>;
  /** The bucket for the bytes of objects; files in the data folder where it is left out. */
  readonly s3Url?: string | undefined;
  readonly onEvent: (name: string, value: unknown) => void;
  /** Values that were asked for with `hold`: which must not be answered from any more. Null: all of the project, or all. */
  readonly letGo?: (projectId: string | null, keys: readonly HeldKey[] | null) => void;
}

export interface DataHost {
  /**
   * Calls a method of `DatabaseMethods`, or one of key-value, queues and objects. Where the process ends meanwhile, the call
   * waits for the next one: reads are asked again, writes with the id they were sent with, so that none is done twice.
   *
   * @throws AerostackError as the method does; DB_WRITE_UNCERTAIN, DB_TRANSACTION_EXPIRED, SERVICE_UNAVAILABLE where the
   * process ended and the call cannot be asked again.
   */
  call<Result>(method: string, params: unknown): Promise<Result>;
  readonly pid: number | undefined;
  /** Lets running calls end, writes everything out and stops the process. */
  close(): Promise<void>;
}

const PIPE_DESCRIPTOR = 3;
const RESTART_DELAYS_MS = [0, 100, 500, 2_000, 5_000];
/** A process that ran this long did not end because of how it started. */
const STABLE_AFTER_MS = 30_000;
/** A process whose pipe is closed is writing out what it was promised; then it is killed. */
const EXIT_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 15_000;
/** How long a call waits for a process that is being started again. */
const MAX_RESTART_WAIT_MS = 15_000;
/** A call that has seen this many processes end may be what ends them. */
const MAX_LOST_ANSWERS = 2;

/** Starts the data host as a process of its own and keeps it running. */
export async function startDataHost(options: DataHostOptions): Promise<DataHost> {
  const { logger } = options;
  const grants = new Map<string, string>();
  const writeIdPrefix = `${randomText(10)}-`;
  const pieces = createPieceReceiver();
  const watches = createToldWatches();
  let nextWriteId = 1;
  let child: ChildProcess | undefined;
  let connection: Promise<RpcPeer>;
  /** Where calls go while all is well. */
  let current: RpcPeer | undefined;
  let closing = false;
  let failures = 0;

  async function launch(): Promise<RpcPeer> {
    const started = takeHostProcess();
    child = started;
    const startedAt = performance.now();
    const exited = new Promise<void>((resolve) => started.once("exit", () => resolve()));
    let ready = false;
    const peer = createRpcPeer(started.stdio[PIPE_DESCRIPTOR] as Duplex, {
      handlers: {
        "kv.letGo"({ projectId, keys }: { readonly projectId: string; readonly keys: readonly HeldKey[] | null }) {
          options.letGo?.(projectId, keys);
          return null;
        },
      },
      onEvent(name, value) {
        if (pieces.receive(name, value)) return;
        watches.noteEvent(name, value);
        if (name === "host.error") logger.error({ err: value }, "the data host reports an error");
        else if (name === "host.relocation") {
          logger.info({ ...(value as object) }, "objects that were stored as files move into the bucket");
        } else options.onEvent(name, value);
      },
      onClose() {
        // Its successor knows nothing of what is held.
        options.letGo?.(null, null);
        if (closing || !ready) return;
        if (performance.now() - startedAt > STABLE_AFTER_MS) failures = 0;
        logger.error({ failures }, "the data host ended and is started again");
        connection = ended(started, exited).then(relaunch);
        connection.catch(() => {});
      },
    });
    started.once("error", (err) => logger.error({ err }, "the data host does not start"));
    await peer.call("host.start", {
      dataDir: options.dataDir,
      masterKey: Buffer.from(options.masterKey).toString("base64"),
      limits: options.limits ?? {},
      s3Url: options.s3Url,
      grants: [...grants],
      watches: watches.list(),
    } satisfies StartMessage);
    ready = true;
    current = peer;
    return peer;
  }

  async function relaunch(): Promise<RpcPeer> {
    for (;;) {
      await delay(RESTART_DELAYS_MS[Math.min(failures, RESTART_DELAYS_MS.length - 1)]);
      if (closing) throw new AerostackError("SERVICE_UNAVAILABLE");
      failures++;
      try {
        return await launch();
      } catch (err) {
        logger.error({ err }, "the data host does not start");
        child?.kill("SIGKILL");
      }
    }
  }

  /** Grants are kept here: a process that starts again knows them before anybody can ask it. */
  function noteGrant(method: string, params: unknown): void {
    const { token, projectId } = params as { readonly token: string; readonly projectId: string };
    if (method === "grants.register") grants.set(token, projectId);
    else if (method === "grants.revoke") grants.delete(token);
  }

  async function callAgain(method: string, params: object): Promise<unknown> {
    const firstSentAt = systemClock.now();
    for (let lost = 0; ; ) {
      const peer = current === undefined || current.closed ? await withinTime(connection) : current;
      try {
        const result = pieces.complete(await peer.call(method, lost === 0 ? params : { ...params, firstSentAt }));
        watches.noteAnswer(method, params, result);
        return result;
      } catch (error) {
        if (!isLost(error, peer) || closing) throw error;
        const policy = lostCallPolicy(method);
        if (policy === "expired" || policy === "uncertain" || ++lost > MAX_LOST_ANSWERS) throw lostCallError(method);
      }
    }
  }

  connection = launch();
  try {
    await connection;
  } catch (error) {
    child?.kill("SIGKILL");
    throw error;
  }

  return {
    get pid() {
      return child?.pid;
    },
    call<Result>(method: string, params: unknown): Promise<Result> {
      if (method.startsWith("grants.")) noteGrant(method, params);
      watches.noteCall(method, params);
      const known = params as object;
      const sent =
        lostCallPolicy(method) === "resolve"
          ? { ...known, writeId: writeIdPrefix + (nextWriteId++).toString(36) }
          : known;
      return callAgain(method, sent) as Promise<Result>;
    },
    async close() {
      closing = true;
      const peer = await connection.catch(() => undefined);
      const running = child;
      const exited = new Promise<void>((resolve) => {
        if (running === undefined || running.exitCode !== null || running.signalCode !== null) resolve();
        else running.once("exit", () => resolve());
      });
      const timer = setTimeout(() => running?.kill("SIGKILL"), STOP_TIMEOUT_MS);
      await peer?.call("host.stop", {}).catch(() => {});
      peer?.close();
      await exited;
      clearTimeout(timer);
    },
  };
}

/** Its successor opens the same files and the same socket, so it must be gone. */
async function ended(child: ChildProcess, exited: Promise<void>): Promise<void> {
  const timer = setTimeout(() => child.kill("SIGKILL"), EXIT_TIMEOUT_MS);
  await exited;
  clearTimeout(timer);
}

function isLost(error: unknown, peer: RpcPeer): boolean {
  return error instanceof AerostackError && error.code === "SERVICE_UNAVAILABLE" && peer.closed;
}

async function withinTime(connection: Promise<RpcPeer>): Promise<RpcPeer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new AerostackError("SERVICE_UNAVAILABLE")), MAX_RESTART_WAIT_MS);
  });
  try {
    return await Promise.race([connection, late]);
  } finally {
    clearTimeout(timer);
  }
}
