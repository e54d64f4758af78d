import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import type { AerostackError } from "@aerostack/contracts";
import { createObjectClient, createProjectBlobs } from "@aerostack/datahost";
import { type Clock, deriveKey } from "@aerostack/kernel";
import type { Audit } from "../audit/record.ts";
import { createCachedLookup } from "../kernel/change-feed/cached-lookup.ts";
import type { ChangeFeed } from "../kernel/change-feed/change-feed.ts";
import type { Envelope } from "../kernel/crypto/envelope.ts";
import type { HostCall } from "../kernel/host-call.ts";
import type { RateVerdict } from "../kernel/limiter/rate-window.ts";
import type { Logger } from "../kernel/log.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { NewLogEntry } from "../logs/log-entry.ts";
import type { ProjectRef } from "../projects/find-project.ts";
import { createS3KeyRoutes } from "./access-keys/routes.ts";
import { createS3Keys, type S3KeysOptions } from "./access-keys/service.ts";
import { createEndUserDoor, type FindEndUser } from "./address/end-user-door.ts";
import { createObjectUrls } from "./address/object-urls.ts";
import { createPublicDoor, type StorageProject } from "./address/public-door.ts";
import { createStorageListener } from "./address/storage-listener.ts";
import { createBucketRoutes } from "./buckets/routes.ts";
import type { ImageResizer } from "./images/image-resizer.ts";
import { createResizedImages } from "./images/serve-resized.ts";
import { createStorageOperations } from "./operations.ts";
import { createStorageRoutes } from "./routes.ts";
import { S3_PREFIX } from "./s3/s3-address.ts";
import { createS3Door } from "./s3/s3-door.ts";
import { createStorageService } from "./service.ts";
import { createTusDoor } from "./tus/tus-door.ts";
import { createTusUploads } from "./tus/tus-uploads.ts";

export interface StorageOptions {
  readonly dataDir: string;
  /** The bucket for the bytes of objects; files in the data folder where it is left out. */
  readonly s3Url: string | undefined;
  readonly call: HostCall;
  readonly clock: Clock;
  readonly sql: Sql<unknown>;
  readonly changes: ChangeFeed;
  readonly envelope: Envelope;
  /** Buckets also answer at `<bucket>.s3.<this domain>`. */
  readonly functionsDomain: string;
  /** 32 bytes: opens projects' files, and what signs URLs is derived from it. */
  readonly dataKey: Uint8Array;
  /** Where clients reach the server. */
  readonly origin: string;
  /** By slug or id, whoever asks. */
  readonly findPublicProject: (slugOrId: string) => Promise<ProjectRef | undefined>;
  /** Of credentials that a limited account key made. */
  readonly limitsOfAccountKey: S3KeysOptions["limitsOfAccountKey"];
  readonly audit: Audit;
  readonly blocks: S3KeysOptions["blocks"];
  readonly resizer: ImageResizer;
  /** Who an access token of a project's user stands for. */
  readonly findEndUser: FindEndUser;
  /** Counts a call with a key. */
  readonly countKeyed: (projectId: string) => RateVerdict;
  /** Counts a call without a key. */
  readonly countAnonymous: (projectId: string, ip: string) => RateVerdict;
  readonly log: (entry: NewLogEntry) => void;
  readonly logger: Logger;
  readonly answerError: (req: IncomingMessage, res: ServerResponse, error: AerostackError, requestId: string) => void;
}

/** A project's objects, and every way in which they are reached. */
export function createStorage(options: StorageOptions) {
  const { dataDir, call, clock, dataKey, resizer } = options;
  const objects = createObjectClient({ socketPath: join(dataDir, "run", "host.sock") });
  const blobsOf = createProjectBlobs({
    hostDir: join(dataDir, "host"),
    keyFor: (name) => deriveKey(dataKey, name),
    clock,
    s3Url: options.s3Url,
  });
  const service = createStorageService({ call, objects, blobsOf });
  const keys = createS3Keys({
    sql: options.sql,
    clock,
    changes: options.changes,
    envelope: options.envelope,
    projectExists: async (projectId) => (await options.findPublicProject(projectId)) !== undefined,
    limitsOfAccountKey: options.limitsOfAccountKey,
    audit: options.audit,
    blocks: options.blocks,
  });
  const tus = createTusUploads(service);
  const urls = createObjectUrls({ origin: options.origin, signingKey: deriveKey(dataKey, "storage-url"), clock });
  const projects = createCachedLookup<StorageProject>({
    clock,
    changes: options.changes,
    async find(ref) {
      const project = await options.findPublicProject(ref);
      if (project === undefined) return null;
      const { id, slug } = project;
      return { value: { id, slug }, expiresAtMs: null, subjects: [`project:${id}`] };
    },
  });
  async function slugOf(projectId: string): Promise<string> {
    return (await projects.find(projectId))?.slug ?? projectId;
  }

  return {
    service,
    urls,
    operations: createStorageOperations({ storage: service, urls, tus, slugOf }),
    routes: [
      ...createStorageRoutes({ storage: service }),
      ...createBucketRoutes({ storage: service }),
      ...createS3KeyRoutes({ keys, endpoint: `${options.origin}${S3_PREFIX}` }),
    ],
    /** Takes requests for objects before the web framework sees them. */
    handle: createStorageListener({
      publicDoor: createPublicDoor({
        storage: service,
        urls,
        tus,
        serveResized: createResizedImages(resizer),
        findProject: projects.find,
        countCall: options.countAnonymous,
        now: clock.now,
      }),
      tusDoor: createTusDoor({
        uploads: tus,
        findProject: projects.find,
        countCall: options.countAnonymous,
        now: clock.now,
      }),
      endUserDoor: createEndUserDoor({
        storage: service,
        urls,
        findProject: projects.find,
        findEndUser: options.findEndUser,
        countCall: options.countAnonymous,
        now: clock.now,
      }),
      s3Door: createS3Door({
        storage: service,
        keys,
        now: clock.now,
        countCall: options.countKeyed,
        onDefect: (err, requestId) => options.logger.error({ err, requestId }, "an S3 request failed"),
      }),
      domain: options.functionsDomain,
      log: options.log,
      logger: options.logger,
      now: clock.now,
      answerError: options.answerError,
    }),
    forgetProject: service.forgetProject,
    close() {
      objects.close();
    },
  };
}
