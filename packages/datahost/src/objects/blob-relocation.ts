import { type BlobStore, type Clock, isMoving } from "@aerostack/kernel";

export interface BlobRelocationOptions {
  /** Projects that may have blobs at the old place. */
  readonly projectIds: () => Promise<readonly string[]>;
  readonly blobsOf: (projectId: string) => BlobStore;
  readonly clock: Clock;
  readonly onProgress: (progress: RelocationProgress) => void;
  readonly onError: (error: unknown, where: string) => void;
}

export interface RelocationProgress {
  /** Blobs, since this process began. */
  readonly moved: number;
  readonly left: number;
  readonly bytes: number;
  readonly isDone: boolean;
}

const PROGRESS_INTERVAL_MS = 10_000;

/**
 * Moves the bytes of objects that were stored before there was a bucket into it, project by project, while everything is
 * served. It begins again with each start until nothing is left, and with the upkeep after a pass that failed.
 */
export function createBlobRelocation({ projectIds, blobsOf, clock, onProgress, onError }: BlobRelocationOptions) {
  let isStopped = false;
  let isOver = false;
  let running: Promise<void> | undefined;
  let moved = 0;
  let bytes = 0;

  async function pass(): Promise<void> {
    const stores: { readonly projectId: string; readonly store: BlobStore }[] = [];
    let left = 0;
    for (const projectId of await projectIds()) {
      const store = blobsOf(projectId);
      if (!isMoving(store)) continue;
      stores.push({ projectId, store });
      left += await store.countLeft();
    }
    if (left === 0) {
      isOver = true;
      return;
    }
    let toldAt = clock.now();
    const tell = (): void => onProgress({ moved, left, bytes, isDone: left === 0 });
    tell();
    for (const { projectId, store } of stores) {
      if (isStopped || !isMoving(store)) return;
      await store.move({
        isStopped: () => isStopped,
        onMoved(size) {
          moved += 1;
          left -= 1;
          bytes += size;
          if (clock.now() - toldAt < PROGRESS_INTERVAL_MS) return;
          toldAt = clock.now();
          tell();
        },
        onError: (error, id) => onError(error, `moving the blob ${projectId}/${id} into the bucket`),
      });
    }
    if (isStopped) return;
    // Counted again: a pass that failed ended early.
    left = 0;
    for (const { store } of stores) if (isMoving(store)) left += await store.countLeft();
    isOver = left === 0;
    tell();
  }

  return {
    /** Goes on with the move, unless it is over or going on already. */
    async run(): Promise<void> {
      if (isOver || isStopped) return;
      running ??= pass().finally(() => {
        running = undefined;
      });
      await running;
    },
    /** Ends it after the blob that is being moved. */
    stop(): void {
      isStopped = true;
    },
  };
}
