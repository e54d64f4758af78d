import { join } from "node:path";
import {
  type BlobStore,
  type Clock,
  createFileBlobStore,
  createS3BlobStore,
  createS3Client,
  parseS3Location,
} from "@aerostack/kernel";

export interface ProjectBlobsOptions {
  /** Holds `blobs/<projectId>/`, or what is on its way into the bucket. */
  readonly hostDir: string;
  /** 32-byte key for a logical name: `(name) => deriveKey(masterKey, name)`. */
  readonly keyFor: (name: string) => Buffer;
  readonly clock: Clock;
  /** The bucket that the bytes are in, see `parseS3Location`; files where it is left out. */
  readonly s3Url?: string | undefined;
}

/** Where the bytes of each project's objects are. Equal bytes are one blob within a project, never across two. */
export function createProjectBlobs(options: ProjectBlobsOptions): (projectId: string) => BlobStore {
  const { hostDir, keyFor, clock, s3Url } = options;
  const client = s3Url === undefined ? undefined : createS3Client(parseS3Location(s3Url), clock);
  const stores = new Map<string, BlobStore>();

  function create(projectId: string): BlobStore {
    const keys = {
      sealKey: keyFor(`projects/${projectId}/blobs/seal`),
      idKey: keyFor(`projects/${projectId}/blobs/id`),
    };
    const directory = join(hostDir, "blobs", projectId);
    if (client === undefined) return createFileBlobStore({ directory, clock, ...keys });
    const folder = `blobs/${projectId}/`;
    return createS3BlobStore({ client, folder, spoolDirectory: directory, clock, ...keys });
  }

  return (projectId) => {
    let store = stores.get(projectId);
    if (store === undefined) {
      store = create(projectId);
      stores.set(projectId, store);
    }
    return store;
  };
}
