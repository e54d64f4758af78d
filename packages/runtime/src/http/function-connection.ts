import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import { FunctionSocket } from "./function-socket.ts";
import type { ReadMemory } from "./read-memory.ts";
import { sendBody } from "./request-body.ts";
import { encodeRequestHead } from "./request-head.ts";
import { hasResponseBody, type ResponseHead } from "./response-head.ts";
import { ResponseReader } from "./response-reader.ts";

/** A request to a function's process. */
export interface FunctionRequest {
  readonly method: string;
  readonly path: string;
  /** Names in lower case and values in turn. */
  readonly headers: readonly string[];
  readonly body: Readable | null;
  /** From the end of the request to the head of the response. */
  readonly headTimeoutMs: number;
  /** Silence within the response's body; time in which the receiver holds it back does not count. */
  readonly bodyTimeoutMs: number;
}

/** What becomes of a request. After `onEnd` or `onError` nothing more is called. */
export interface ResponseHandler {
  onHead(head: ResponseHead): void;
  /**
   * @param release to be called when the chunk is not needed any more, so that its memory is used again
   * @returns false to hold the response back until `resume()`
   */
  onData(chunk: Buffer, release: (() => void) | undefined): boolean;
  /** `last` is the last piece of the body, where one came together with the end. */
  onEnd(last: Buffer | null): void;
  onError(error: Error): void;
}

/** A request under way, for whoever sent it. */
export interface Exchange {
  /** Gives the request up; its handler hears nothing more. */
  abort(): void;
  /** Goes on after `onData` returned false. */
  resume(): void;
}

export type ExchangeErrorCode = "NEVER_SENT" | "HEAD_TIMEOUT" | "BODY_TIMEOUT" | "BROKEN";

/** An exchange that did not come to its end. `NEVER_SENT`: the process saw nothing of it. */
export class ExchangeError extends Error {
  override readonly name = "ExchangeError";
  readonly code: ExchangeErrorCode;

  constructor(code: ExchangeErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

export interface ConnectionEvents {
  /** Its exchange is over and it takes another. */
  readonly onIdle: (connection: FunctionConnection) => void;
  readonly onGone: (connection: FunctionConnection) => void;
  /** The runtime itself answered a request, or ended its answer before it was whole. */
  readonly onFailed: (request: FunctionRequest, how: FailedHow) => void;
}

export type FailedHow = "refused" | "broken-off";

/**
 * What a connection reads before all others have their turn. Left to itself, Node reads up to 32 times 64 KiB from a socket
 * before it looks at the next.
 */
const MAX_TURN_BYTES = 128 * 1024;

/** One connection to a function's socket; it carries one exchange at a time. */
export class FunctionConnection {
  /** `performance.now()` when its last exchange ended. */
  idleSince = 0;
  readonly memory: ReadMemory;
  private readonly socket: FunctionSocket;
  private readonly events: ConnectionEvents;
  private readonly reader = new ResponseReader();
  private exchange: RunningExchange | null = null;
  private isConnected = false;
  private isGone = false;
  /** The process takes nothing any more; what it has said may still be read. */
  private isDeaf = false;
  /** The receiver of the response takes nothing at the moment. */
  private isHeld = false;
  /** Bytes read since it last gave way. */
  private turnBytes = 0;

  constructor(socketPath: string, memory: ReadMemory, events: ConnectionEvents) {
    this.memory = memory;
    this.events = events;
    const callback = (length: number): boolean => {
      this.receive(memory.buffer.subarray(0, length));
      return true;
    };
    this.socket = new FunctionSocket({ onread: { buffer: memory.buffer, callback } });
    this.socket.onWriteFailed = () => {
      this.isDeaf = true;
    };
    this.socket.onEnd = () => this.finish(null);
    this.socket.connect({ path: socketPath });
    this.socket.on("connect", () => {
      this.isConnected = true;
    });
    this.socket.on("error", (error) => this.finish(error));
    this.socket.on("close", () => this.finish(null));
  }

  /** Sends a request; the connection must be idle. */
  send(request: FunctionRequest, handler: ResponseHandler): Exchange {
    const exchange = new RunningExchange(this, request, handler);
    this.exchange = exchange;
    this.reader.begin(request.method, exchange);
    try {
      const { text, isChunked } = encodeRequestHead({ ...request, hasBody: request.body !== null });
      this.socket.write(text, "latin1");
      exchange.start(this.socket, isChunked);
    } catch (error) {
      this.exchange = null;
      this.destroy(null);
      queueMicrotask(() => handler.onError(new ExchangeError("NEVER_SENT", "The request cannot be sent.", error)));
    }
    return exchange;
  }

  /** Ends an exchange that waits for longer than it may. */
  checkTime(now: number): void {
    const { exchange } = this;
    if (exchange !== null && now >= exchange.deadline) this.destroy(exchange.timeoutError());
  }

  /** Closes it; an exchange under way ends with the error, or silently without one. */
  destroy(error: Error | null): void {
    const { exchange } = this;
    this.exchange = null;
    this.isGone = true;
    this.socket.destroy();
    exchange?.cutOff();
    this.events.onGone(this);
    if (exchange !== null && error !== null) exchange.handler.onError(error);
  }

  /** The response is whole and so is the request: the next may come. */
  release(exchange: RunningExchange): void {
    if (this.exchange !== exchange) return;
    this.exchange = null;
    // A response that came before the end of the request leaves the connection in the middle of it.
    if (exchange.closes || !exchange.isSent || this.isDeaf) {
      this.destroy(null);
      exchange.cutOff();
      return;
    }
    this.resume();
    this.idleSince = performance.now();
    this.events.onIdle(this);
  }

  answeredByRuntime({ request }: RunningExchange): void {
    this.events.onFailed(request, "refused");
  }

  hold(): void {
    this.isHeld = true;
    this.socket.pause();
  }

  resume(): void {
    this.isHeld = false;
    if (this.turnBytes < MAX_TURN_BYTES) this.socket.resume();
  }

  /** Reads on when everything else that waits has had its turn. */
  private giveWay(): void {
    this.socket.pause();
    setImmediate(() => {
      this.turnBytes = 0;
      if (!this.isHeld && !this.isGone) this.socket.resume();
    });
  }

  private receive(chunk: Buffer): void {
    if (this.isGone) return;
    const isWithinTurn = this.turnBytes < MAX_TURN_BYTES;
    this.turnBytes += chunk.length;
    if (isWithinTurn && this.turnBytes >= MAX_TURN_BYTES) this.giveWay();
    try {
      this.reader.read(chunk);
    } catch (error) {
      this.destroy(new ExchangeError("BROKEN", "The function's process answered out of order.", error));
    }
  }

  private finish(error: Error | null): void {
    if (this.isGone) return;
    if (error === null && this.exchange !== null && this.reader.close()) return;
    const code = this.isConnected ? "BROKEN" : "NEVER_SENT";
    if (this.exchange !== null && this.isConnected) this.events.onFailed(this.exchange.request, "broken-off");
    this.destroy(new ExchangeError(code, "The connection to the function's process broke.", error));
  }
}

/** What workerd answers by itself when a function fails; functions have no say in whether the connection closes. */
function isRuntimesOwn({ status, closes, contentLength }: ResponseHead): boolean {
  return status === 500 && closes && contentLength === "Internal Server Error".length;
}

/** The state of one exchange between its request and its connection. */
class RunningExchange implements Exchange {
  readonly handler: ResponseHandler;
  /** `performance.now()` after which it has waited too long. */
  deadline = Number.POSITIVE_INFINITY;
  /** The whole request has been handed to the socket. */
  isSent = false;
  closes = false;
  readonly request: FunctionRequest;
  private readonly connection: FunctionConnection;
  private hasHead = false;
  private isOver = false;
  private stopSending: (() => void) | null = null;

  constructor(connection: FunctionConnection, request: FunctionRequest, handler: ResponseHandler) {
    this.connection = connection;
    this.request = request;
    this.handler = handler;
  }

  start(socket: Socket, isChunked: boolean): void {
    const { body } = this.request;
    if (body === null) {
      this.finishSending();
      return;
    }
    this.stopSending = sendBody(body, socket, isChunked, {
      onEnd: () => {
        this.stopSending = null;
        this.finishSending();
      },
      onError: (error) => {
        this.stopSending = null;
        if (!this.isOver) this.connection.destroy(error);
      },
    });
  }

  private finishSending(): void {
    this.isSent = true;
    if (!this.hasHead) this.deadline = performance.now() + this.request.headTimeoutMs;
  }

  /** Nothing comes any more. Whoever sends the body may go on; nobody listens. */
  cutOff(): void {
    this.isOver = true;
    if (this.stopSending === null) return;
    this.stopSending();
    this.stopSending = null;
    this.request.body?.on("error", () => {}).resume();
  }

  timeoutError(): ExchangeError {
    return this.hasHead
      ? new ExchangeError("BODY_TIMEOUT", "The function stopped in the middle of its answer.")
      : new ExchangeError("HEAD_TIMEOUT", "The function did not answer in time.");
  }

  abort(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.connection.destroy(null);
  }

  resume(): void {
    if (this.isOver) return;
    this.deadline = performance.now() + this.request.bodyTimeoutMs;
    this.connection.resume();
  }

  onHead(head: ResponseHead): void {
    this.hasHead = true;
    const endsByClosing = !head.isChunked && head.contentLength === null;
    if (isRuntimesOwn(head)) this.connection.answeredByRuntime(this);
    this.closes = head.closes || (endsByClosing && hasResponseBody(this.request.method, head.status));
    this.deadline = performance.now() + this.request.bodyTimeoutMs;
    this.handler.onHead(head);
  }

  onData(chunk: Buffer): void {
    if (this.isOver) return;
    const { bytes, release } = this.connection.memory.keep(chunk);
    if (this.handler.onData(bytes, release)) {
      this.deadline = performance.now() + this.request.bodyTimeoutMs;
      return;
    }
    this.deadline = Number.POSITIVE_INFINITY;
    this.connection.hold();
  }

  onEnd(last: Buffer | null): void {
    if (this.isOver) return;
    this.isOver = true;
    this.connection.release(this);
    this.handler.onEnd(last === null ? null : Buffer.from(last));
  }
}
