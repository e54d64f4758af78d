import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "@aerostack/kernel";
import { createKvBinding } from "../kv/kv-binding.ts";
import { createKvLeases, type LetGo } from "../kv/kv-leases.ts";
import { createKvRpc } from "../kv/kv-rpc.ts";
import { createKvSweeper } from "../kv/kv-sweeper.ts";
import { createBlobRelocation, type RelocationProgress } from "../objects/blob-relocation.ts";
import { createLifecycles } from "../objects/lifecycles.ts";
import { createObjectCollector } from "../objects/object-collector.ts";
import { createObjects } from "../objects/objects.ts";
import { createObjectsRpc } from "../objects/objects-rpc.ts";
import { createProjectBlobs } from "../objects/project-blobs.ts";
import { createR2Binding } from "../objects/r2-binding.ts";
import type { Timers } from "../queue/due-alarm.ts";
import { createJobRpc } from "../queue/job-rpc.ts";
import type { QueueName } from "../queue/pending-queues.ts";
import { createQueueBinding } from "../queue/queue-binding.ts";
import { createQueueRpc } from "../queue/queue-rpc.ts";
import { createQueues } from "../queue/queues.ts";
import { createHostDatabase } from "./host-database.ts";
import { createStateDatabases } from "./state-databases.ts";

export interface StateServicesOptions {
  /** Holds `host.sqlite`, `projects/<id>/state.sqlite` and `blobs/<id>/`. */
  readonly hostDir: string;
  /** 32-byte key for a logical name: `(name) => deriveKey(masterKey, name)`. */
  readonly keyFor: (name: string) => Buffer;
  /** The bucket for the bytes of objects; files where it is left out. */
  readonly s3Url?: string | undefined;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly onQueueReady: (name: QueueName) => void;
  /** How far objects from before there was a bucket have moved into it. */
  readonly onRelocation?: ((progress: RelocationProgress) => void) | undefined;
  /** Asks the server to forget values of keys that it holds. */
  readonly letGo: LetGo;
  /** A failure of upkeep, or of a project's database outside a request. */
  readonly onError: (error: unknown, where: string) => void;
}

const UPKEEP_INTERVAL_MS = 60_000;
/** A database that nobody used for this long is closed. */
const IDLE_CLOSE_MS = 5 * 60_000;
/** How often a project's blobs are searched for ones that nothing counts. */
const SEARCH_INTERVAL_MS = 24 * 60 * 60_000;

/**
 * Key-value, queue and objects of all projects: the handlers of their bindings, the calls of the server, and upkeep.
 * It never runs code or SQL of a user.
 */
export function createStateServices(options: StateServicesOptions) {
  const { hostDir, keyFor, clock, timers, onError } = options;
  const states = createStateDatabases({ hostDir, keyFor, clock });
  const host = createHostDatabase({ hostDir, keyFor });
  const blobsOf = createProjectBlobs(options);
  const queues = createQueues({
    states,
    host,
    clock,
    timers,
    onReady: options.onQueueReady,
    onError: (error, { projectId, queue }) => onError(error, `queue ${projectId}/${queue}`),
  });
  const collector = createObjectCollector({ states, blobsOf, clock });
  const objects = createObjects({ states, blobsOf, clock, onGarbage: collector.note });
  const lifecycles = createLifecycles({ states, host, clock, onGarbage: collector.note });
  const leases = createKvLeases({ letGo: options.letGo, now: () => performance.now(), after: timers.after });
  const sweeper = createKvSweeper({ states, clock });
  const projectIds = (): Promise<string[]> => readdir(join(hostDir, "blobs")).catch((): string[] => []);
  const relocation = createBlobRelocation({
    projectIds,
    blobsOf,
    clock,
    onProgress: (progress) => options.onRelocation?.(progress),
    onError,
  });
  const searchedAt = new Map<string, number>();
  let cancelUpkeep: (() => void) | undefined;
  let closed = false;

  /** One project each time: a search reads a directory of many files. */
  async function searchNextProject(): Promise<void> {
    const names = await projectIds();
    const due = names.find((name) => (searchedAt.get(name) ?? 0) <= clock.now() - SEARCH_INTERVAL_MS);
    if (due === undefined) return;
    searchedAt.set(due, clock.now());
    await collector.search(due);
  }

  /** Beside everything else: it takes as long as the bytes take. */
  function relocate(): void {
    if (options.s3Url === undefined) return;
    relocation.run().catch((error: unknown) => onError(error, "moving objects into the bucket"));
  }

  async function maintain(): Promise<void> {
    relocate();
    states.closeIdle(clock.now() - IDLE_CLOSE_MS);
    for (const task of [sweeper.sweep, queues.tidy, lifecycles.runDue, searchNextProject, collector.collect]) {
      if (closed) return;
      await task().catch((error: unknown) => onError(error, "upkeep"));
    }
  }

  function scheduleUpkeep(): void {
    cancelUpkeep = timers.after(UPKEEP_INTERVAL_MS, () => {
      void maintain().finally(() => {
        if (!closed) scheduleUpkeep();
      });
    });
  }

  return {
    /** By the kind in `x-aero-binding: <kind>:<resource>`. */
    bindings: {
      kv: createKvBinding({ states, clock, leases }),
      queue: createQueueBinding({ queues, states }),
      r2: createR2Binding({ objects }),
    },
    /** Methods by name, `kv.…`, `queue.…` and `objects.…`. */
    rpc: {
      ...createKvRpc({ states, clock, leases }),
      ...createQueueRpc({ queues, states, clock }),
      ...createJobRpc({ queues, states, clock }),
      ...createObjectsRpc({ objects, states, lifecycles, now: clock.now }),
    },
    objects,
    /** SQLite's own check of a project's database: `ok`, or what is wrong with it. It reads the whole file. */
    checkIntegrity: (projectId: string): string =>
      states.read(projectId).pragma("integrity_check", { simple: true }) as string,
    /** Announces queues that have messages from before, and begins the regular upkeep. */
    start(): void {
      queues.resume();
      scheduleUpkeep();
      relocate();
    },
    maintain,
    /** Everything of a project, for good. */
    async deleteProject(projectId: string): Promise<void> {
      collector.forgetProject(projectId);
      await lifecycles.forgetProject(projectId);
      await queues.deleteProject(projectId);
      states.delete(projectId);
      await leases.forgetProject(projectId);
      await blobsOf(projectId).deleteAll();
    },
    close(): void {
      closed = true;
      relocation.stop();
      cancelUpkeep?.();
      queues.close();
      states.close();
      host.close();
    },
  };
}

export type StateServices = ReturnType<typeof createStateServices>;
/** Names and shapes of all calls, for the protocol between server and data host. */
export type StateRpc = StateServices["rpc"];
