/**
 * Results too large for one message between host and server. The host does not parse them, and sends their JSON in pieces
 * with other messages in between, so that nobody else waits for them.
 */
export interface PiecesNotice {
  /** All pieces with this key, put together, are the JSON of the result. */
  readonly $pieces: string;
}

export const PIECE_EVENT = "host.piece";

interface Piece {
  readonly key: string;
  /** One character per byte. */
  readonly text: string;
}

const PIECE_BYTES = 128 * 1024;
/** Parsing this much takes a millisecond or two. */
export const MAX_PARSED_BYTES = 256 * 1024;

export function createPieceSender(emit: (name: string, value: Piece) => void): (body: Buffer) => Promise<PiecesNotice> {
  let nextKey = 1;
  return async (body) => {
    const key = String(nextKey++);
    for (let at = 0; at < body.length; at += PIECE_BYTES) {
      emit(PIECE_EVENT, { key, text: body.toString("latin1", at, at + PIECE_BYTES) });
      await new Promise((resolve) => setImmediate(resolve));
    }
    return { $pieces: key };
  };
}

export interface PieceReceiver {
  /** @returns whether it was a piece. */
  receive(eventName: string, value: unknown): boolean;
  /** The result itself, where what came is only a notice of it. */
  complete(result: unknown): unknown;
}

export function createPieceReceiver(): PieceReceiver {
  const pieces = new Map<string, Buffer[]>();
  return {
    receive(eventName, value) {
      if (eventName !== PIECE_EVENT) return false;
      const { key, text } = value as Piece;
      const known = pieces.get(key);
      const bytes = Buffer.from(text, "latin1");
      if (known === undefined) pieces.set(key, [bytes]);
      else known.push(bytes);
      return true;
    },
    complete(result) {
      if (typeof result !== "object" || result === null || !("$pieces" in result)) return result;
      const { $pieces: key } = result as PiecesNotice;
      const body = Buffer.concat(pieces.get(key) ?? []);
      pieces.delete(key);
      return JSON.parse(body.toString());
    },
  };
}
