import type { BlobStore, Clock } from "@aerostack/kernel";
import type { StateDatabases } from "../state/state-databases.ts";
import { forgetUnused, isCounted, listUnused, postponeUnused } from "./blob-uses.ts";
import { UPLOAD_EXPIRES_AFTER_MS } from "./object-limits.ts";
import { expireUploads } from "./upload-rows.ts";

export interface ObjectCollectorOptions {
  readonly states: StateDatabases;
  readonly blobsOf: (projectId: string) => BlobStore;
  readonly clock: Clock;
}

/**
 * Frees the space of blobs that no object uses.
 *
 * Counted ones (their last object was deleted or replaced) go once they have been unused for a while; the time covers a
 * reader that has just looked the object up, and an upload of the same bytes that is stored but not committed, which
 * makes the blob young again. Uncounted ones (a crash came between blob and commit) are found by a search through the
 * store, and go after a day. Neither ever takes a blob that a row names.
 */
export interface ObjectCollector {
  /** Notes that a project may have unused blobs. */
  note(projectId: string): void;
  /** Deletes what has been unused long enough in the projects that were noted. @returns how many blobs. */
  collect(): Promise<number>;
  /** Searches one project for uncounted blobs, uploads that never ended, and parts of them. @returns how many blobs. */
  search(projectId: string): Promise<number>;
  forgetProject(projectId: string): void;
}

export const UNUSED_GRACE_MS = 10 * 60 * 1000;
export const UNCOUNTED_GRACE_MS = 24 * 60 * 60 * 1000;
const BATCH_BLOBS = 100;
const BATCH_UPLOADS = 20;

export function createObjectCollector({ states, blobsOf, clock }: ObjectCollectorOptions): ObjectCollector {
  const noted = new Set<string>();

  async function collectProject(projectId: string): Promise<number> {
    const store = blobsOf(projectId);
    let deleted = 0;
    for (;;) {
      const cutoff = clock.now() - UNUSED_GRACE_MS;
      const ids = listUnused(states.read(projectId), cutoff, BATCH_BLOBS);
      for (const id of ids) {
        if (await store.delete(id, { storedBefore: cutoff })) deleted += 1;
        const isGone = (await store.stat(id)) === undefined;
        await states.commit(projectId, (db) => {
          if (isGone) forgetUnused(db, id);
          else postponeUnused(db, id, clock.now());
        });
      }
      if (ids.length < BATCH_BLOBS) return deleted;
    }
  }

  return {
    note: (projectId) => void noted.add(projectId),

    async collect() {
      let deleted = 0;
      for (const projectId of [...noted]) {
        deleted += await collectProject(projectId);
        const left = listUnused(states.read(projectId), Number.MAX_SAFE_INTEGER, 1);
        if (left.length === 0) noted.delete(projectId);
      }
      return deleted;
    },

    async search(projectId) {
      const now = clock.now();
      const cutoff = now - UNCOUNTED_GRACE_MS;
      const store = blobsOf(projectId);
      await store.discardPartial(cutoff);
      for (;;) {
        const ended = await states.commit(projectId, (db) =>
          expireUploads(db, now - UPLOAD_EXPIRES_AFTER_MS, BATCH_UPLOADS, now),
        );
        if (ended < BATCH_UPLOADS) break;
      }
      let deleted = 0;
      for await (const { id, storedAt } of store.list()) {
        if (storedAt >= cutoff || isCounted(states.read(projectId), id)) continue;
        if (await store.delete(id, { storedBefore: cutoff })) deleted += 1;
      }
      noted.add(projectId);
      return deleted;
    },

    forgetProject: (projectId) => void noted.delete(projectId),
  };
}
