import { Socket } from "node:net";

/**
 * A connection that can be read to its end after a write has failed.
 *
 * A process that answers before it has read its request's body closes the connection. The next write of the body then fails,
 * while the answer lies in this side's buffer, whole. Node's own socket closes on the failed write, and with it goes the
 * answer; this one says `onWriteFailed`, goes on reading, and says `onEnd` where the peer's bytes end (the `end` event does
 * not come after a failed write).
 */
export class FunctionSocket extends Socket {
  onWriteFailed: () => void = () => {};
  onEnd: () => void = () => {};

  override destroy(error?: Error): this {
    if (!isWriteError(error)) return super.destroy(error);
    this.onWriteFailed();
    return this;
  }

  override push(chunk: unknown, encoding?: BufferEncoding): boolean {
    const hasRoom = super.push(chunk, encoding);
    if (chunk === null) queueMicrotask(() => this.onEnd());
    return hasRoom;
  }
}

function isWriteError(error: Error | undefined): boolean {
  return error !== undefined && "syscall" in error && error.syscall === "write";
}
