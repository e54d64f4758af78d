import { rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";
import { createRpcPeer, deriveKey, type RpcHandler, systemClock } from "@aerostack/kernel";
import { createBindingDoor } from "./binding-door.ts";
import { createGrants } from "./grants.ts";
import type { HostLimits } from "./limits.ts";
import { systemTimers } from "./queue/due-alarm.ts";
import type { BindingHandler } from "./state/binding-handler.ts";
import { createStateServices } from "./state/state-services.ts";

/** What the server tells the process first; the key travels on the private pipe, never by argument or environment. */
export interface StartMessage {
  readonly dataDir: string;
  /** Base64 of 32 bytes. */
  readonly masterKey: string;
  readonly limits: Partial<HostLimits>;
}

/** The duplex pipe that the server opens as the third descriptor after standard error. */
const PIPE_DESCRIPTOR = 3;

interface RunningHost {
  readonly handlers: Readonly<Record<string, RpcHandler>>;
  close(): Promise<void>;
}

const grants = createGrants();
let running: RunningHost | undefined;

function reportError(error: unknown, where: string): void {
  peer.emit("host.error", { where, message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}

async function start({ dataDir, masterKey }: StartMessage): Promise<RunningHost> {
  const master = Buffer.from(masterKey, "base64");
  const runDirectory = join(dataDir, "run");
  await mkdir(runDirectory, { recursive: true, mode: 0o700 });
  const state = createStateServices({
    hostDir: join(dataDir, "host"),
    keyFor: (name) => deriveKey(master, name),
    clock: systemClock,
    timers: systemTimers,
    onQueueReady: (name) => peer.emit("queue.ready", name),
    onError: reportError,
  });
  const bindings: Record<string, BindingHandler> = { ...state.bindings };
  const door = createBindingDoor({ grants, handlers: bindings, onError: reportError });
  const socketPath = join(runDirectory, "host.sock");
  rmSync(socketPath, { force: true });
  await new Promise<void>((resolve, reject) => {
    door.once("error", reject);
    door.listen(socketPath, resolve);
  });
  state.start();
  return {
    handlers: {
      ...state.rpc,
      "project.delete": async ({ projectId }: { projectId: string }) => {
        await state.deleteProject(projectId);
        return null;
      },
    },
    async close() {
      door.closeIdleConnections();
      await new Promise<void>((resolve) => {
        door.close(() => resolve());
        door.closeAllConnections();
      });
      state.close();
    },
  };
}

async function stop(): Promise<void> {
  const host = running;
  running = undefined;
  await host?.close();
  process.exit(0);
}

/** Methods of the services, looked up when they are called: they exist once the host has started. */
const handlers = new Proxy<Record<string, RpcHandler>>(
  {
    "host.start": async (message: StartMessage) => {
      running = await start(message);
      return { pid: process.pid };
    },
    "host.ping": () => ({ pid: process.pid }),
    "host.stop": async () => {
      setImmediate(() => void stop());
      return null;
    },
    "grants.register": ({ token, projectId }: { token: string; projectId: string }) => {
      grants.register(token, projectId);
      return null;
    },
    "grants.revoke": ({ token }: { token: string }) => {
      grants.revoke(token);
      return null;
    },
  },
  {
    get: (own, name) => own[String(name)] ?? running?.handlers[String(name)],
    getOwnPropertyDescriptor: (own, name) =>
      Object.hasOwn(own, name) || (running !== undefined && Object.hasOwn(running.handlers, name))
        ? { configurable: true, enumerable: true, value: undefined, writable: true }
        : undefined,
  },
);

const peer = createRpcPeer(new Socket({ fd: PIPE_DESCRIPTOR, readable: true, writable: true }), {
  handlers,
  onDefect: (error, method) => reportError(error, method),
  // The server is gone: what was acknowledged is on disk.
  onClose: () => void stop(),
});
process.on("SIGTERM", () => {
  // The server ends this process when it has no more to ask; a signal to the whole group must not come before that.
});
process.on("SIGINT", () => {});
