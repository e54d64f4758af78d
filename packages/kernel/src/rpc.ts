import type { Duplex } from "node:stream";
import { AerostackError, type SerialisedError } from "@aerostack/contracts/errors";

/**
 * Calls between the platform's own processes over a socket or pipe. Messages are JSON arrays, framed by a four-byte
 * big-endian length; everything sent within one turn of the event loop travels in one frame, which is what makes a call
 * cheap (see the benchmark "ipc"). Binary values travel as `{"$bytes": base64}`
 * where a method's contract says so.
 */
type Message =
  | readonly ["call", id: number, method: string, params: unknown]
  | readonly ["result", id: number, value: unknown]
  | readonly ["error", id: number, error: SerialisedError]
  | readonly ["event", name: string, value: unknown];

export type RpcHandler = (params: never) => unknown;

export interface RpcPeer {
  /** Calls a method of the other side. Rejects with AerostackError; SERVICE_UNAVAILABLE when the connection is gone. */
  call<Result>(method: string, params: unknown): Promise<Result>;
  /** Sends an event that nobody answers. */
  emit(name: string, value: unknown): void;
  close(): void;
  readonly closed: boolean;
  /** Calls sent and not yet answered. */
  readonly pending: number;
}

export interface RpcPeerOptions {
  readonly handlers?: Readonly<Record<string, RpcHandler>>;
  readonly onEvent?: (name: string, value: unknown) => void;
  readonly onClose?: () => void;
  /** An error that is not an AerostackError: a defect on this side; the caller sees INTERNAL_ERROR. */
  readonly onDefect?: (error: unknown, method: string) => void;
}

const LENGTH_BYTES = 4;
/** Larger than any result limit plus its JSON escapes; a frame over it means that the stream is out of step. */
const MAX_FRAME_BYTES = 512 * 1024 * 1024;
/**
 * While the calls of the last frame are unanswered, those that come after it gather for so long at most. A frame costs each
 * side a wake-up, which is more than most calls cost: under load calls travel together, alone each leaves at once.
 */
const GATHER_MS = 1;

export function createRpcPeer(stream: Duplex, options: RpcPeerOptions = {}): RpcPeer {
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: AerostackError) => void }>();
  const handlers = options.handlers ?? {};
  let nextId = 1;
  let outbox: string[] = [];
  let flushScheduled = false;
  let closed = false;
  /** The last frame held calls, and none of any frame was answered since. */
  let isAwaiting = false;
  let flushedAt = 0;
  let gathering: NodeJS.Timeout | undefined;

  function flush(): void {
    flushScheduled = false;
    if (closed || outbox.length === 0) return;
    const text = `[${outbox.join(",")}]`;
    outbox = [];
    const bytes = Buffer.byteLength(text);
    const frame = Buffer.allocUnsafe(LENGTH_BYTES + bytes);
    frame.writeUInt32BE(bytes);
    frame.write(text, LENGTH_BYTES);
    stream.write(frame);
  }

  function flushCalls(): void {
    isAwaiting = waiting.size > 0;
    flushedAt = performance.now();
    flush();
  }

  function send(message: Message): void {
    if (closed) return;
    outbox.push(JSON.stringify(message));
    if (flushScheduled) return;
    flushScheduled = true;
    if (message[0] !== "call") setImmediate(flush);
    else if (!isAwaiting || performance.now() - flushedAt >= GATHER_MS) setImmediate(flushCalls);
    else gathering = setTimeout(stopGathering, GATHER_MS);
  }

  function stopGathering(): void {
    clearTimeout(gathering);
    gathering = undefined;
    setImmediate(flushCalls);
  }

  function answerError(id: number, method: string, error: unknown): void {
    if (error instanceof AerostackError) {
      send(["error", id, error.toSerialised()]);
      return;
    }
    options.onDefect?.(error, method);
    send(["error", id, new AerostackError("INTERNAL_ERROR").toSerialised()]);
  }

  function answer(id: number, method: string, params: unknown): void {
    const handler = Object.hasOwn(handlers, method) ? handlers[method] : undefined;
    if (handler === undefined) {
      answerError(id, method, new Error(`unknown method ${method}`));
      return;
    }
    try {
      const value = handler(params as never);
      if (value instanceof Promise) {
        value.then(
          (settled) => send(["result", id, settled]),
          (error: unknown) => answerError(id, method, error),
        );
      } else {
        send(["result", id, value]);
      }
    } catch (error) {
      answerError(id, method, error);
    }
  }

  function receive(message: Message): void {
    switch (message[0]) {
      case "call":
        answer(message[1], message[2], message[3]);
        return;
      case "result": {
        const waiter = waiting.get(message[1]);
        waiting.delete(message[1]);
        waiter?.resolve(message[2] as never);
        return;
      }
      case "error": {
        const waiter = waiting.get(message[1]);
        waiting.delete(message[1]);
        waiter?.reject(AerostackError.fromSerialised(message[2]));
        return;
      }
      case "event":
        options.onEvent?.(message[1], message[2]);
        return;
    }
  }

  function end(): void {
    if (closed) return;
    closed = true;
    clearTimeout(gathering);
    const gone = new AerostackError("SERVICE_UNAVAILABLE", { message: "The process that served this call is gone." });
    for (const waiter of waiting.values()) waiter.reject(gone);
    waiting.clear();
    options.onClose?.();
  }

  stream.on(
    "data",
    createFrameReader(
      (body) => {
        isAwaiting = false;
        for (const message of JSON.parse(body) as Message[]) receive(message);
        if (gathering !== undefined) stopGathering();
      },
      () => stream.destroy(),
    ),
  );
  stream.on("close", end);
  stream.on("end", end);
  stream.on("error", end);

  return {
    call<Result>(method: string, params: unknown): Promise<Result> {
      if (closed) return Promise.reject(new AerostackError("SERVICE_UNAVAILABLE"));
      const id = nextId++;
      return new Promise<Result>((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        send(["call", id, method, params]);
      });
    },
    emit(name, value) {
      send(["event", name, value]);
    },
    close() {
      flush();
      stream.end();
      end();
    },
    get closed() {
      return closed;
    },
    get pending() {
      return waiting.size;
    },
  };
}

/** Cuts a byte stream into frames; `onBroken` is called once when a length is out of range. */
function createFrameReader(onFrame: (body: string) => void, onBroken: () => void): (chunk: Buffer) => void {
  let chunks: Buffer[] = [];
  let buffered = 0;
  return (chunk) => {
    chunks.push(chunk);
    buffered += chunk.length;
    while (buffered >= LENGTH_BYTES) {
      let head = chunks[0] as Buffer;
      if (head.length < LENGTH_BYTES) {
        head = Buffer.concat(chunks);
        chunks = [head];
      }
      const length = head.readUInt32BE(0);
      if (length > MAX_FRAME_BYTES) {
        onBroken();
        return;
      }
      if (buffered < LENGTH_BYTES + length) return;
      const all = chunks.length === 1 ? head : Buffer.concat(chunks);
      onFrame(all.toString("utf8", LENGTH_BYTES, LENGTH_BYTES + length));
      const rest = all.subarray(LENGTH_BYTES + length);
      chunks = rest.length === 0 ? [] : [rest];
      buffered = rest.length;
    }
  };
}
