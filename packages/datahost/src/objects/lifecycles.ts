import type { Clock } from "@aerostack/kernel";
import type { HostDatabase } from "../state/host-database.ts";
import { keyRange } from "../state/key-range.ts";
import { perDatabase } from "../state/per-database.ts";
import type { StateDatabases } from "../state/state-databases.ts";
import { lifecycles, writeLifecycle } from "./bucket-store.ts";
import type { LifecycleRule } from "./lifecycle-rule.ts";
import { removeObject } from "./object-store.ts";
import type { BucketName } from "./objects.ts";
import { expireUploadsBelow } from "./upload-rows.ts";

export interface LifecyclesOptions {
  readonly states: StateDatabases;
  /** Knows which projects have rules, so that none is opened to find that out. */
  readonly host: HostDatabase;
  readonly clock: Clock;
  /** A project may have blobs now that nothing uses. */
  readonly onGarbage: (projectId: string) => void;
}

/** What is done with objects by themselves, as the rules of their buckets say. */
export interface Lifecycles {
  set(name: BucketName, rules: readonly LifecycleRule[]): Promise<void>;
  /** Does what is due in every project whose last run is an hour ago. @returns how many objects and uploads are gone. */
  runDue(): Promise<number>;
  forgetProject(projectId: string): Promise<void>;
}

const RUN_INTERVAL_MS = 60 * 60_000;
const DAY_MS = 24 * 60 * 60_000;
/** Objects of one commit: others' writes go in between. */
const BATCH_OBJECTS = 200;

const statementsOf = perDatabase((db) => ({
  due: db
    .prepare<[string, string, string | Buffer, number, number], string>(
      `SELECT key FROM objects WHERE bucket = ? AND key >= ? AND key < ? AND uploaded_at <= ? ORDER BY key LIMIT ?`,
    )
    .pluck(),
}));

export function createLifecycles({ states, host, clock, onGarbage }: LifecyclesOptions): Lifecycles {
  const hostDb = host.read();
  const enter = hostDb.prepare<[string]>("INSERT OR IGNORE INTO lifecycle_projects (project_id, run_at) VALUES (?, 0)");
  const due = hostDb
    .prepare<[number], string>("SELECT project_id FROM lifecycle_projects WHERE run_at <= ? ORDER BY run_at")
    .pluck();
  const note = hostDb.prepare<[number, string]>("UPDATE lifecycle_projects SET run_at = ? WHERE project_id = ?");
  const forget = hostDb.prepare<[string]>("DELETE FROM lifecycle_projects WHERE project_id = ?");

  async function expireObjects(projectId: string, bucket: string, prefix: string, days: number): Promise<number> {
    const until = clock.now() - days * DAY_MS;
    const { lower, upper } = keyRange(prefix, null);
    for (let deleted = 0; ; ) {
      const removed = await states.commit(projectId, (db) => {
        const keys = statementsOf(db).due.all(bucket, lower, upper, until, BATCH_OBJECTS);
        for (const key of keys) removeObject(db, bucket, key, clock.now());
        return keys.length;
      });
      deleted += removed;
      if (removed < BATCH_OBJECTS) return deleted;
    }
  }

  async function abortUploads(projectId: string, bucket: string, prefix: string, days: number): Promise<number> {
    const createdUntil = clock.now() - days * DAY_MS;
    for (let aborted = 0; ; ) {
      const ended = await states.commit(projectId, (db) =>
        expireUploadsBelow(db, { bucket, prefix, createdUntil }, BATCH_OBJECTS, clock.now()),
      );
      aborted += ended;
      if (ended < BATCH_OBJECTS) return aborted;
    }
  }

  async function apply(projectId: string, bucket: string, rule: LifecycleRule): Promise<number> {
    if (!rule.isEnabled) return 0;
    const { prefix, expireAfterDays, abortUploadsAfterDays } = rule;
    return (
      (expireAfterDays === undefined ? 0 : await expireObjects(projectId, bucket, prefix, expireAfterDays)) +
      (abortUploadsAfterDays === undefined ? 0 : await abortUploads(projectId, bucket, prefix, abortUploadsAfterDays))
    );
  }

  async function run(projectId: string): Promise<number> {
    const found = lifecycles(states.read(projectId));
    // No rule is left: the next one enters the project again.
    if (found.length === 0) await host.commit(() => forget.run(projectId));
    let removed = 0;
    for (const { bucket, rules } of found) {
      for (const rule of rules) removed += await apply(projectId, bucket, rule);
    }
    if (removed > 0) onGarbage(projectId);
    return removed;
  }

  return {
    async set({ projectId, bucket }, rules) {
      // First: a project with rules that nobody runs would keep what it said is to go.
      if (rules.length > 0) await host.commit(() => enter.run(projectId));
      await states.commit(projectId, (db) => writeLifecycle(db, bucket, rules, clock.now()));
    },
    async runDue() {
      let removed = 0;
      for (const projectId of due.all(clock.now() - RUN_INTERVAL_MS)) {
        removed += await run(projectId);
        await host.commit(() => note.run(clock.now(), projectId));
      }
      return removed;
    },
    async forgetProject(projectId) {
      await host.commit(() => forget.run(projectId));
    },
  };
}
