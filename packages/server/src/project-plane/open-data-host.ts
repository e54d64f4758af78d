import { type ChangesEvent, startDataHost } from "@aerostack/datahost";
import type { CachedValue } from "../cache/cached-values.ts";
import { createHeldValues } from "../cache/held-values.ts";
import type { HostCall } from "../kernel/host-call.ts";
import { requireBucket } from "../kernel/require-bucket.ts";
import type { ProjectPlaneOptions } from "./project-plane-options.ts";

/** Starts the process that owns every project's data. What it tells of goes to whoever asked for it last. */
export async function openDataHost(
  { config, clock, log, lifecycle }: ProjectPlaneOptions,
  /** 32 bytes that every key of data at rest is derived from. */
  dataKey: Uint8Array,
) {
  if (config.s3Url !== undefined) await requireBucket(config.s3Url, clock);
  let receiveChanges = (_changes: ChangesEvent): void => {};
  let wakeQueue = (_projectId: string, _queue: string): void => {};
  const held = createHeldValues<CachedValue>({ clock, monotonicMs: () => performance.now() });
  const host = await startDataHost({
    dataDir: config.dataDir,
    masterKey: dataKey,
    logger: log,
    limits: { queryTimeoutMs: config.queryTimeoutMs },
    s3Url: config.s3Url,
    letGo: held.letGo,
    onEvent(name, value) {
      if (name === "db.changes") receiveChanges(value as ChangesEvent);
      if (name !== "queue.ready") return;
      const { projectId, queue } = value as { projectId: string; queue: string };
      wakeQueue(projectId, queue);
    },
  });
  lifecycle.onClose("data host", () => host.close());
  return {
    host,
    call: host.call as HostCall,
    /** Values of keys that are answered without asking the process. */
    held,
    /** Rows that were changed in watched tables. */
    onChanges(receive: typeof receiveChanges): void {
      receiveChanges = receive;
    },
    /** A queue has messages that may be delivered. */
    onQueueReady(wake: typeof wakeQueue): void {
      wakeQueue = wake;
    },
  };
}
