import {
  type ConnectionEvents,
  type Exchange,
  ExchangeError,
  FunctionConnection,
  type FunctionRequest,
  type ResponseHandler,
} from "./function-connection.ts";
import { createReadMemory } from "./read-memory.ts";

/** The connections to one function's socket. */
export interface FunctionPool {
  /** Sends a request over a connection of its own; it waits for one when all are busy. */
  dispatch(request: FunctionRequest, handler: ResponseHandler): Exchange;
  /** Ends everything that is under way with the error; what waits, and what comes later, was never sent. */
  destroy(error: Error): void;
}

export interface FunctionPoolOptions {
  readonly socketPath: string;
  readonly maxConnections: number;
  /** How long an idle connection is used again; shorter than the time after which the other side closes it. */
  readonly keepAliveMs: number;
  readonly onFailed?: ConnectionEvents["onFailed"];
}

/** How far past its time an exchange may run: one timer looks after all of them. */
const CHECK_INTERVAL_MS = 100;

interface Waiting {
  readonly request: FunctionRequest;
  readonly handler: ResponseHandler;
  running: Exchange | null;
  isAborted: boolean;
}

/**
 * Carries calls to a function's process. undici's pool does the same in general; this one knows that its peer is workerd on
 * a unix socket, and costs a call a third of it, which is what the way of a call has to spare (`npm run bench`).
 */
export function createFunctionPool(options: FunctionPoolOptions): FunctionPool {
  const { socketPath, maxConnections, keepAliveMs } = options;
  const memory = createReadMemory();
  const idle: FunctionConnection[] = [];
  const all = new Set<FunctionConnection>();
  const waiting: Waiting[] = [];
  let gone: Error | null = null;
  let timer: NodeJS.Timeout | undefined;

  const events: ConnectionEvents = {
    onFailed: options.onFailed ?? (() => {}),
    onIdle(connection: FunctionConnection): void {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        if (next.isAborted) continue;
        next.running = connection.send(next.request, next.handler);
        return;
      }
      idle.push(connection);
    },
    onGone(connection: FunctionConnection): void {
      if (!all.delete(connection)) return;
      const position = idle.indexOf(connection);
      if (position !== -1) idle.splice(position, 1);
      if (waiting.length > 0 && gone === null) events.onIdle(open());
    },
  };

  function open(): FunctionConnection {
    const connection = new FunctionConnection(socketPath, memory, events);
    all.add(connection);
    timer ??= setInterval(check, CHECK_INTERVAL_MS).unref();
    return connection;
  }

  function check(): void {
    const now = performance.now();
    for (const connection of all) connection.checkTime(now);
    while (idle[0] !== undefined && now - idle[0].idleSince > keepAliveMs) idle[0].destroy(null);
    if (all.size === 0) {
      clearInterval(timer);
      timer = undefined;
      memory.trim();
    }
  }

  /** The connection that was used last; those below it grow old and are closed. */
  function takeIdle(): FunctionConnection | undefined {
    const connection = idle.pop();
    if (connection === undefined || performance.now() - connection.idleSince <= keepAliveMs) return connection;
    connection.destroy(null);
    return undefined;
  }

  function refuse(handler: ResponseHandler): void {
    queueMicrotask(() => handler.onError(new ExchangeError("NEVER_SENT", "The function's process has ended.", gone)));
  }

  return {
    dispatch(request, handler) {
      if (gone !== null) {
        refuse(handler);
        return { abort() {}, resume() {} };
      }
      const connection = takeIdle() ?? (all.size < maxConnections ? open() : undefined);
      if (connection !== undefined) return connection.send(request, handler);
      const entry: Waiting = { request, handler, running: null, isAborted: false };
      waiting.push(entry);
      return {
        abort() {
          entry.isAborted = true;
          entry.running?.abort();
        },
        resume: () => entry.running?.resume(),
      };
    },

    destroy(error) {
      gone = error;
      clearInterval(timer);
      for (const { handler, isAborted } of waiting.splice(0)) if (!isAborted) refuse(handler);
      for (const connection of [...all]) connection.destroy(error);
    },
  };
}
