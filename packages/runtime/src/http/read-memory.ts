export interface Piece {
  readonly bytes: Buffer;
  /** Says that nobody needs the bytes any more, where their memory is to be used again. */
  readonly release: (() => void) | undefined;
}

/** What a pool of connections reads into. */
export interface ReadMemory {
  /** All connections read into this one, in turn: what it holds is good until the next read. */
  readonly buffer: Buffer;
  /** Keeps bytes beyond the next read. Memory that is never released is collected as any other. */
  keep(bytes: Buffer): Piece;
  /** Gives the memory back that nobody uses at the moment. */
  trim(): void;
}

/** As much as Node reads at once into memory of its own. */
const READ_BYTES = 64 * 1024;
/** Half of the slab that Node cuts small buffers from, which makes them cheap; larger ones are used again. */
const SMALL_BYTES = 4 * 1024;
/** As many pieces as are on their way at once when some streams run: 1 MiB. */
const MAX_FREE = 16;

/**
 * Memory for reading. Left to itself, Node reads into 64 KiB of new memory each time: 1 GB of answers makes V8 collect the
 * whole heap 35 times, 5 to 10 ms each in which nobody is served, and helper threads take more CPU time than the answers.
 */
export function createReadMemory(): ReadMemory {
  const free: Buffer[] = [];
  return {
    buffer: Buffer.allocUnsafeSlow(READ_BYTES),
    keep(bytes) {
      if (bytes.length <= SMALL_BYTES) return { bytes: Buffer.from(bytes), release: undefined };
      const memory = free.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES);
      bytes.copy(memory);
      return {
        bytes: memory.subarray(0, bytes.length),
        release() {
          if (free.length < MAX_FREE) free.push(memory);
        },
      };
    },
    trim() {
      free.length = 0;
    },
  };
}
