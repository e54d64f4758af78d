import { readdirSync } from "node:fs";
import { join } from "node:path";
import {
  type BlobStore,
  type Clock,
  createFileBlobStore,
  createMovingBlobStore,
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

const BLOB_FOLDER = /^[0-9a-f]{2}$/;

/** Whether blobs were stored as files, before there was a bucket. */
function hasFiles(directory: string): boolean {
  try {
    return readdirSync(directory).some(
      (name) => BLOB_FOLDER.test(name) && readdirSync(join(directory, name)).length > 0,
    );
  } catch {
    return false;
  }
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
    const bucket = createS3BlobStore({ client, folder, spoolDirectory: directory, clock, ...keys });
    if (!hasFiles(directory)) return bucket;
    return createMovingBlobStore({ from: createFileBlobStore({ directory, clock, ...keys }), to: bucket });
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
