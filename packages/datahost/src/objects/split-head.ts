import type { IncomingMessage } from "node:http";
import { BodyAbortedError } from "../state/read-body.ts";

export interface SplitBody {
  readonly head: Buffer;
  /** What follows, as it comes in. @throws BodyAbortedError when the body ends early. */
  readonly rest: AsyncGenerator<Buffer>;
  /** Leaves what was not read to somebody else, such as `req.resume()`. */
  close(): Promise<void>;
}

/** Reads the first `size` bytes of a body. @throws BodyAbortedError */
export async function splitHead(req: IncomingMessage, size: number): Promise<SplitBody> {
  // Left open on return: a refusal is still to be answered on its connection.
  const chunks = req.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  const next = (): Promise<IteratorResult<Buffer>> =>
    chunks.next().catch((): never => {
      throw new BodyAbortedError();
    });
  const parts: Buffer[] = [];
  let length = 0;
  while (length < size) {
    const { value, done } = await next();
    if (done === true) throw new BodyAbortedError();
    parts.push(value);
    length += value.length;
  }
  const read = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
  async function* rest(): AsyncGenerator<Buffer> {
    if (read.length > size) yield read.subarray(size);
    for (let chunk = await next(); chunk.done !== true; chunk = await next()) yield chunk.value;
  }
  return {
    head: read.subarray(0, size),
    rest: rest(),
    async close() {
      await chunks.return?.();
    },
  };
}
