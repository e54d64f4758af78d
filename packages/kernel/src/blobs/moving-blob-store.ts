import { BlobMissingError, type BlobStore } from "./blob-store.ts";

/** What one pass of a move did. */
export interface MovePass {
  readonly moved: number;
  /** Blobs that could not be moved and are still at their old place. */
  readonly failed: number;
}

export interface MoveOptions {
  readonly isStopped: () => boolean;
  readonly onMoved: (bytes: number) => void;
  readonly onError: (error: unknown, id: string) => void;
}

/**
 * Blobs on their way from one store to another: what is new goes to the new one, and everything is found wherever it is.
 * How far the move is is told by what is left at the old place, so that one that was interrupted goes on by itself.
 */
export interface MovingBlobStore extends BlobStore {
  /** Blobs that are still at the old place. */
  countLeft(): Promise<number>;
  /**
   * Moves one blob after another. A blob goes from the old place only once the new one has said that it has it.
   * It ends early where several in a row fail: the new place is away.
   */
  move(options: MoveOptions): Promise<MovePass>;
}

const MAX_FAILURES_IN_A_ROW = 3;

export function isMoving(store: BlobStore): store is MovingBlobStore {
  return "move" in store;
}

export function createMovingBlobStore({
  from,
  to,
}: {
  readonly from: BlobStore;
  readonly to: BlobStore;
}): MovingBlobStore {
  /** @returns its bytes */
  async function moveOne(id: string): Promise<number> {
    const here = await from.stat(id);
    if (here === undefined) return 0;
    if ((await to.stat(id)) === undefined) {
      const stored = await to.put(await from.get(id), { expectedBytes: here.size });
      if (stored.id !== id) throw new Error(`the blob ${id} has other bytes than its name says`);
    }
    await from.delete(id);
    return here.size;
  }

  return {
    put: to.put,

    async get(id, range) {
      try {
        return await from.get(id, range);
      } catch (error) {
        if (!(error instanceof BlobMissingError)) throw error;
        return await to.get(id, range);
      }
    },

    stat: async (id) => (await to.stat(id)) ?? (await from.stat(id)) ?? (await to.stat(id)),

    async delete(id, options) {
      const wasHere = await from.delete(id, options);
      return (await to.delete(id, options)) || wasHere;
    },

    async *list() {
      yield* from.list();
      yield* to.list();
    },

    async discardPartial(startedBefore) {
      await from.discardPartial(startedBefore);
      await to.discardPartial(startedBefore);
    },

    async deleteAll() {
      await from.deleteAll();
      await to.deleteAll();
    },

    async countLeft() {
      let left = 0;
      for await (const _blob of from.list()) left += 1;
      return left;
    },

    async move({ isStopped, onMoved, onError }) {
      let moved = 0;
      let failed = 0;
      let inARow = 0;
      for await (const { id } of from.list()) {
        if (isStopped()) break;
        try {
          onMoved(await moveOne(id));
          moved += 1;
          inARow = 0;
        } catch (error) {
          // One that went meanwhile is not missed.
          if (error instanceof BlobMissingError) continue;
          onError(error, id);
          failed += 1;
          inARow += 1;
          if (inARow >= MAX_FAILURES_IN_A_ROW) break;
        }
      }
      return { moved, failed };
    },
  };
}
