import { join } from "node:path";
import { type BlobStore, type Clock, createFileBlobStore } from "@aerostack/kernel";

export interface ProjectBlobsOptions {
  /** Holds `blobs/<projectId>/`. */
  readonly hostDir: string;
  /** 32-byte key for a logical name: `(name) => deriveKey(masterKey, name)`. */
  readonly keyFor: (name: string) => Buffer;
  readonly clock: Clock;
}

/** Where the bytes of each project's objects are. Equal bytes are one blob within a project, never across two. */
export function createProjectBlobs({ hostDir, keyFor, clock }: ProjectBlobsOptions): (projectId: string) => BlobStore {
  const stores = new Map<string, BlobStore>();
  return (projectId) => {
    let store = stores.get(projectId);
    if (store === undefined) {
      store = createFileBlobStore({
        directory: join(hostDir, "blobs", projectId),
        sealKey: keyFor(`projects/${projectId}/blobs/seal`),
        idKey: keyFor(`projects/${projectId}/blobs/id`),
        clock,
      });
      stores.set(projectId, store);
    }
    return store;
  };
}
