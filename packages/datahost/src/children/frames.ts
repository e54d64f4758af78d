/**
 * Messages between the host and its SQL processes: a small JSON head and a body of bytes that nobody on the way parses, so
 * that a result of many megabytes costs the host a copy and not its event loop.
 *
 * On the wire: length of the head, length of the body (four bytes each, big-endian), head, body.
 */
export interface Frame<Head> {
  readonly head: Head;
  readonly body: Buffer;
}

const LENGTHS_BYTES = 8;
const EMPTY = Buffer.alloc(0);

export function writeFrame(
  stream: { cork(): void; uncork(): void; write(chunk: Buffer): boolean },
  head: unknown,
  body: Buffer = EMPTY,
): void {
  const headBytes = Buffer.from(JSON.stringify(head));
  const lengths = Buffer.allocUnsafe(LENGTHS_BYTES);
  lengths.writeUInt32BE(headBytes.length, 0);
  lengths.writeUInt32BE(body.length, 4);
  stream.cork();
  stream.write(lengths);
  stream.write(headBytes);
  if (body.length > 0) stream.write(body);
  stream.uncork();
}

/** Cuts a stream of bytes into frames. */
export function createFrameReader<Head>(onFrame: (frame: Frame<Head>) => void): (chunk: Buffer) => void {
  let chunks: Buffer[] = [];
  let buffered = 0;
  let needed = LENGTHS_BYTES;
  return (chunk) => {
    chunks.push(chunk);
    buffered += chunk.length;
    while (buffered >= needed) {
      const all: Buffer = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
      chunks = [all];
      const headEnd = LENGTHS_BYTES + all.readUInt32BE(0);
      const end = headEnd + all.readUInt32BE(4);
      if (buffered < end) {
        // Wait for the whole frame before joining the pieces again.
        needed = end;
        return;
      }
      const rest = all.subarray(end);
      chunks = rest.length === 0 ? [] : [rest];
      buffered = rest.length;
      needed = LENGTHS_BYTES;
      onFrame({
        head: JSON.parse(all.toString("utf8", LENGTHS_BYTES, headEnd)) as Head,
        body: all.subarray(headEnd, end),
      });
    }
  };
}
