import type { IncomingMessage } from "node:http";

/** A body in pieces of bounded size, each of which is stored before the next one is asked for. */
export interface BodyPieces {
  /** Waits for bytes. False at the end of the body, also where the client left before it. */
  hasMore(): Promise<boolean>;
  /** The next bytes, at most `maxBytes`; to be read to its end. */
  next(maxBytes: number): AsyncGenerator<Uint8Array>;
  /** The client left before its end. */
  readonly isCut: boolean;
  /** Nobody asks any more: what still comes is dropped. */
  discard(): void;
}

/** Bytes that are held while the ones before them are stored. */
const MAX_HELD_BYTES = 1024 * 1024;

/**
 * Listens from the first moment on, before anything is waited for: what has arrived is kept, even where the connection
 * breaks right after it. That is what a resumable upload is for.
 */
export function createBodyPieces(req: IncomingMessage): BodyPieces {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let isEnded = false;
  let isDiscarded = false;
  let wake = (): void => {};

  req.on("data", (chunk: Buffer) => {
    if (isDiscarded) return;
    held.push(chunk);
    heldBytes += chunk.length;
    if (heldBytes >= MAX_HELD_BYTES) req.pause();
    wake();
  });
  const end = (): void => {
    isEnded = true;
    wake();
  };
  req.on("end", end);
  req.on("error", end);
  req.on("close", end);

  async function hasMore(): Promise<boolean> {
    while (heldBytes === 0 && !isEnded) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return heldBytes > 0;
  }

  return {
    hasMore,
    async *next(maxBytes) {
      for (let left = maxBytes; left > 0 && (await hasMore()); ) {
        const [first, ...others] = held;
        if (first === undefined) return;
        const piece = first.subarray(0, left);
        held = piece.length === first.length ? others : [first.subarray(piece.length), ...others];
        heldBytes -= piece.length;
        left -= piece.length;
        if (heldBytes < MAX_HELD_BYTES) req.resume();
        yield piece;
      }
    },
    get isCut() {
      return isEnded && !req.readableEnded;
    },
    discard() {
      isDiscarded = true;
      held = [];
      heldBytes = 0;
      req.resume();
    },
  };
}
