import { hasResponseBody, parseResponseHead, type ResponseHead } from "./response-head.ts";

/** What becomes of the bytes of one response. */
export interface ResponseEvents {
  onHead(head: ResponseHead): void;
  onData(chunk: Buffer): void;
  /** The response is whole; `last` is its last piece, where one came together with the end. */
  onEnd(last: Buffer | null): void;
}

/** The peer does not speak HTTP/1.1 as RFC 9112 has it. */
export class MalformedResponseError extends Error {
  override readonly name = "MalformedResponseError";
}

const MAX_HEAD_BYTES = 128 * 1024;
/** A chunk's size in hexadecimal with whatever extensions follow it. */
const MAX_CHUNK_LINE_BYTES = 1024;
const HEAD_END = Buffer.from("\r\n\r\n");
const LINE_END = Buffer.from("\r\n");
const CHUNK_SIZE = /^([0-9a-f]{1,12})[ \t]*(?:;.*)?$/i;
const SWITCHING_PROTOCOLS = 101;

type State = "head" | "length" | "until-close" | "chunk-size" | "chunk-data" | "chunk-end" | "trailer" | "done";

/**
 * Takes apart the bytes of responses on one connection, one response after another, in whatever pieces they arrive
 * (RFC 9112, sections 4 to 7). Bodies are passed on as slices of what came in, never copied.
 */
export class ResponseReader {
  private state: State = "done";
  private method = "GET";
  private events: ResponseEvents | undefined;
  /** Bytes of a head or line that is not whole yet. */
  private kept: Buffer | null = null;
  /** Bytes of the body, or of the chunk, that are still to come. */
  private remaining = 0;
  /** A piece of the body that may turn out to be the last. */
  private held: Buffer | null = null;

  /** Expects the response to a request of this method. */
  begin(method: string, events: ResponseEvents): void {
    this.method = method;
    this.events = events;
    this.state = "head";
    this.kept = null;
    this.held = null;
  }

  /** @throws MalformedResponseError, and the connection is of no use any more */
  read(bytes: Buffer): void {
    let rest = bytes;
    if (this.kept !== null) {
      rest = Buffer.concat([this.kept, bytes]);
      this.kept = null;
    }
    while (rest.length > 0) {
      const taken = this.step(rest);
      if (taken === 0) {
        // A copy: what was read is overwritten by the next read.
        this.kept = Buffer.from(rest);
        break;
      }
      rest = rest.subarray(taken);
    }
    if (this.state === "done") this.finish();
    else this.release();
  }

  /** The peer closed the connection. @returns whether that is a proper end */
  close(): boolean {
    if (this.state === "until-close") {
      this.state = "done";
      this.finish();
      return true;
    }
    return this.state === "done";
  }

  /** @returns how many bytes were used; 0 when more are needed */
  private step(bytes: Buffer): number {
    switch (this.state) {
      case "head":
        return this.readHead(bytes);
      case "length":
        return this.readBody(bytes, "done");
      case "chunk-data":
        return this.readBody(bytes, "chunk-end");
      case "until-close":
        this.hold(bytes);
        return bytes.length;
      case "chunk-size":
        return this.readChunkSize(bytes);
      case "chunk-end": {
        if (bytes.length < LINE_END.length) return 0;
        if (bytes[0] !== LINE_END[0] || bytes[1] !== LINE_END[1]) throw new MalformedResponseError("no end of a chunk");
        this.state = "chunk-size";
        return LINE_END.length;
      }
      case "trailer":
        return this.readTrailer(bytes);
      case "done":
        throw new MalformedResponseError("bytes after the response");
    }
  }

  private readHead(bytes: Buffer): number {
    const end = bytes.indexOf(HEAD_END);
    if (end === -1 || end > MAX_HEAD_BYTES) {
      if (bytes.length > MAX_HEAD_BYTES) throw new MalformedResponseError("the head is too long");
      return 0;
    }
    const head = parseResponseHead(bytes.toString("latin1", 0, end));
    if (head === null) throw new MalformedResponseError("the head is not HTTP/1.1");
    const taken = end + HEAD_END.length;
    // Interim answers (RFC 9110, section 15.2): the real one follows.
    if (head.status < 200 && head.status !== SWITCHING_PROTOCOLS) return taken;
    this.events?.onHead(head);
    if (!hasResponseBody(this.method, head.status)) this.state = "done";
    else if (head.isChunked) this.state = "chunk-size";
    else if (head.contentLength === null) this.state = "until-close";
    else {
      this.remaining = head.contentLength;
      this.state = head.contentLength === 0 ? "done" : "length";
    }
    return taken;
  }

  private readBody(bytes: Buffer, next: "done" | "chunk-end"): number {
    const taken = Math.min(bytes.length, this.remaining);
    this.remaining -= taken;
    this.hold(taken === bytes.length ? bytes : bytes.subarray(0, taken));
    if (this.remaining === 0) {
      this.state = next;
    }
    return taken;
  }

  private readChunkSize(bytes: Buffer): number {
    const end = bytes.indexOf(LINE_END);
    if (end === -1 || end > MAX_CHUNK_LINE_BYTES) {
      if (bytes.length > MAX_CHUNK_LINE_BYTES) throw new MalformedResponseError("the size of a chunk is too long");
      return 0;
    }
    const size = CHUNK_SIZE.exec(bytes.toString("latin1", 0, end))?.[1];
    if (size === undefined) throw new MalformedResponseError("the size of a chunk is not a number");
    this.remaining = Number.parseInt(size, 16);
    this.state = this.remaining === 0 ? "trailer" : "chunk-data";
    return end + LINE_END.length;
  }

  /** Trailer fields are dropped: nobody was promised them. */
  private readTrailer(bytes: Buffer): number {
    const end = bytes.indexOf(LINE_END);
    if (end === -1) {
      if (bytes.length > MAX_HEAD_BYTES) throw new MalformedResponseError("the trailer is too long");
      return 0;
    }
    if (end === 0) this.state = "done";
    return end + LINE_END.length;
  }

  private hold(piece: Buffer): void {
    this.release();
    this.held = piece;
  }

  private release(): void {
    const piece = this.held;
    if (piece === null) return;
    this.held = null;
    this.events?.onData(piece);
  }

  /** Told only when all bytes are read: what follows a response must not be taken for the next one. */
  private finish(): void {
    const last = this.held;
    this.held = null;
    this.events?.onEnd(last);
  }
}
