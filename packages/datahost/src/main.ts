import { flushCompileCache } from "node:module";
import { Socket } from "node:net";
import { compactHeapAfterStart, createRpcPeer, type RpcHandler, systemClock } from "@aerostack/kernel";
import type { WatchRequest } from "./changes/watches.ts";
import { type Host, startHost } from "./host.ts";
import { DEFAULT_LIMITS, type HostLimits } from "./limits.ts";
import { systemTimers } from "./queue/due-alarm.ts";

/** What the server tells the process first; the key travels on the private pipe, never by argument or environment. */
export interface StartMessage {
  readonly dataDir: string;
  /** Base64 of 32 bytes. */
  readonly masterKey: string;
  readonly limits: Partial<HostLimits>;
  /** The bucket for the bytes of objects; files in the data folder where it is left out. */
  readonly s3Url?: string | undefined;
  readonly grants: readonly (readonly [token: string, projectId: string])[];
  readonly watches: readonly WatchRequest[];
}

/** The duplex pipe that the server opens as the third descriptor after standard error. */
const PIPE_DESCRIPTOR = 3;

let host: Host | undefined;
let stopping: Promise<void> | undefined;

/** Grows by the services' own methods once the host has started. */
const handlers: Record<string, RpcHandler> = {
  async "host.start"(message: StartMessage) {
    host = await startHost({
      dataDir: message.dataDir,
      masterKey: Buffer.from(message.masterKey, "base64"),
      limits: { ...DEFAULT_LIMITS, ...message.limits },
      s3Url: message.s3Url,
      clock: systemClock,
      timers: systemTimers,
      grants: message.grants,
      watches: message.watches,
      emit: (name, value) => peer.emit(name, value),
      letGo: (projectId, keys) => peer.call("kv.letGo", { projectId, keys }),
      onError: reportError,
    });
    Object.assign(handlers, host.handlers);
    // Also for a process that will be killed: the next one starts faster.
    setImmediate(flushCompileCache);
    compactHeapAfterStart();
    return { pid: process.pid };
  },
  "host.ping": () => ({ pid: process.pid }),
  async "host.stop"() {
    await stop();
    // After the answer has left.
    setImmediate(() => setImmediate(() => process.exit(0)));
    return null;
  },
};

const peer = createRpcPeer(new Socket({ fd: PIPE_DESCRIPTOR, readable: true, writable: true }), {
  handlers,
  onDefect: (error, method) => reportError(error, method),
  // The server is gone: what it was promised is written out, and nobody asks for more.
  onClose: () => void stop().finally(() => process.exit(0)),
});

function stop(): Promise<void> {
  stopping ??= host?.close() ?? Promise.resolve();
  return stopping;
}

function reportError(error: unknown, where: string): void {
  peer.emit("host.error", { where, message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}

// A signal to the whole group is the server's to handle: it closes this process when it has no more to ask.
process.on("SIGTERM", () => {});
process.on("SIGINT", () => {});
