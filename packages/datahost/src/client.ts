import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { AerostackError } from "@aerostack/contracts";
import { createRpcPeer, type RpcPeer } from "@aerostack/kernel";
import type { HostLimits } from "./limits.ts";

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
  readonly onEvent: (name: string, value: unknown) => void;
}

export interface DataHost {
  /** Calls a method; waits for the process to come back when it is being restarted. */
  call<Result>(method: string, params: unknown): Promise<Result>;
  readonly pid: number | undefined;
  /** Lets running calls end, writes everything out and stops the process. */
  close(): Promise<void>;
}

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
const RESTART_DELAYS_MS = [0, 100, 500, 2000, 5000];
const STABLE_AFTER_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;

/** Starts the data host as a process of its own and keeps it running. */
export async function startDataHost(options: DataHostOptions): Promise<DataHost> {
  const { logger } = options;
  const grants = new Map<string, string>();
  let child: ChildProcess | undefined;
  let connection: Promise<RpcPeer>;
  let closing = false;
  let failures = 0;

  async function launch(): Promise<RpcPeer> {
    const started = spawn(process.execPath, [...process.execArgv, MAIN], {
      stdio: ["ignore", "inherit", "inherit", "pipe"],
      env: { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? "" },
    });
    child = started;
    const startedAt = performance.now();
    const exited = new Promise<void>((resolve) => started.once("exit", () => resolve()));
    const peer = createRpcPeer(started.stdio[3] as Socket, {
      onEvent(name, value) {
        if (name === "host.error") logger.error({ err: value }, "the data host reports an error");
        else options.onEvent(name, value);
      },
    });
    const start = peer.call("host.start", {
      dataDir: options.dataDir,
      masterKey: Buffer.from(options.masterKey).toString("base64"),
      limits: options.limits ?? {},
    });
    await Promise.race([
      start,
      exited.then(() => {
        throw new AerostackError("SERVICE_UNAVAILABLE", { message: "The data host ended while it started." });
      }),
    ]);
    for (const [token, projectId] of grants) await peer.call("grants.register", { token, projectId });
    void exited.then(() => {
      if (closing) return;
      if (performance.now() - startedAt > STABLE_AFTER_MS) failures = 0;
      logger.error({ failures }, "the data host ended and is started again");
      connection = relaunch();
      connection.catch(() => {});
    });
    return peer;
  }

  async function relaunch(): Promise<RpcPeer> {
    for (;;) {
      await delay(RESTART_DELAYS_MS[Math.min(failures, RESTART_DELAYS_MS.length - 1)]);
      failures++;
      try {
        return await launch();
      } catch (err) {
        if (closing) throw err;
        logger.error({ err }, "the data host does not start");
      }
    }
  }

  connection = launch();
  await connection;

  return {
    get pid() {
      return child?.pid;
    },
    async call<Result>(method: string, params: unknown): Promise<Result> {
      if (method === "grants.register") {
        const { token, projectId } = params as { token: string; projectId: string };
        grants.set(token, projectId);
      } else if (method === "grants.revoke") grants.delete((params as { token: string }).token);
      const peer = await connection;
      return await peer.call<Result>(method, params);
    },
    async close() {
      closing = true;
      const peer = await connection.catch(() => undefined);
      const exited = new Promise<void>((resolve) => {
        if (child === undefined || child.exitCode !== null || child.signalCode !== null) resolve();
        else child.once("exit", () => resolve());
      });
      await peer?.call("host.stop", {}).catch(() => {});
      const timer = setTimeout(() => child?.kill("SIGKILL"), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(timer);
    },
  };
}
