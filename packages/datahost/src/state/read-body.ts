import type { IncomingMessage } from "node:http";

/** What is read and thrown away of a body that is too large, so that its sender gets to see the refusal. */
const MAX_DRAINED_BYTES = 512 * 1024 * 1024;

export class BodyTooLargeError extends Error {
  /** Bytes that were sent, as far as they were read. */
  readonly length: number;

  constructor(length: number) {
    super(`the body has ${length} bytes`);
    this.name = "BodyTooLargeError";
    this.length = length;
  }
}

/** The sender went away before the end of its body. */
export class BodyAbortedError extends Error {
  constructor() {
    super("the body ended early");
    this.name = "BodyAbortedError";
  }
}

/**
 * Reads a body of at most `maxBytes` whole. A larger one is read to its end without being kept: a sender that is still
 * writing would report a broken connection instead of the refusal.
 *
 * @throws BodyTooLargeError, BodyAbortedError
 */
export function readBody(req: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (req.destroyed && !req.complete) {
      reject(new BodyAbortedError());
      return;
    }
    let chunks: Buffer[] = [];
    let length = 0;
    req.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxBytes) {
        chunks.push(chunk);
        return;
      }
      chunks = [];
      if (length > MAX_DRAINED_BYTES) req.destroy();
    });
    req.once("end", () => {
      if (length > maxBytes) reject(new BodyTooLargeError(length));
      else resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length));
    });
    req.once("close", () => {
      // After the end it says nothing; an error made in vain costs a tenth of a read.
      if (!req.readableEnded) reject(length > maxBytes ? new BodyTooLargeError(length) : new BodyAbortedError());
    });
    req.once("error", () => reject(new BodyAbortedError()));
  });
}

/** Reads the rest of a body and throws it away: until its sender has sent all, it does not look for an answer. */
export function drainBody(req: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    if (req.complete || req.destroyed) {
      resolve();
      return;
    }
    let length = 0;
    req.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAX_DRAINED_BYTES) req.destroy();
    });
    req.once("end", resolve);
    req.once("close", resolve);
    req.resume();
  });
}
