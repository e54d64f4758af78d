/** Bytes that end a line and that begin one of ours: JSON holds neither unescaped. */
const NEWLINE = 0x0a;
const MARK = 0x1e;
/** More than the longest line that the observer writes, in the worst of encodings. */
const MAX_LINE_BYTES = 256 * 1024;

export interface LineReader {
  /** Hands on the marked lines that end in this chunk. Lines without a mark and longer than the limit are left out. */
  read(chunk: Buffer, onLine: (json: Buffer) => void): void;
}

/** Cuts a process's output into lines, and keeps only what the observer wrote. What is kept between chunks is bounded. */
export function createLineReader(): LineReader {
  let begun: Buffer[] = [];
  let begunBytes = 0;
  /** The line at hand is not wanted; everything up to its end is passed over. */
  let skipping = false;

  function forget(): void {
    begun = [];
    begunBytes = 0;
  }

  return {
    read(chunk, onLine) {
      let at = 0;
      while (at < chunk.length) {
        const end = chunk.indexOf(NEWLINE, at);
        const piece = chunk.subarray(at, end === -1 ? chunk.length : end);
        const first = begun[0]?.[0] ?? piece[0];
        if (begunBytes + piece.length > MAX_LINE_BYTES || (first !== undefined && first !== MARK)) {
          skipping = true;
          forget();
        }
        if (end === -1) {
          if (!skipping) {
            // A copy: the chunk would else be kept for the sake of its last bytes.
            begun.push(Buffer.from(piece));
            begunBytes += piece.length;
          }
          return;
        }
        if (!skipping && begunBytes + piece.length > 0) {
          const line = begunBytes === 0 ? piece : Buffer.concat([...begun, piece]);
          onLine(line.subarray(1));
        }
        skipping = false;
        forget();
        at = end + 1;
      }
    },
  };
}
