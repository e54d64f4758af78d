import { perDatabase } from "../state/per-database.ts";
import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import type { LifecycleRule } from "./lifecycle-rule.ts";
import { listBuckets } from "./object-store.ts";
import { R2Refusal } from "./r2-refusal.ts";

/** The bucket that every project has. */
export const DEFAULT_BUCKET = "default";
export const MAX_BUCKETS = 1000;

export interface BucketInfo {
  readonly name: string;
  /** Milliseconds since the epoch; 0 for one that a function began to use without making it. */
  readonly createdAt: number;
}

interface BucketRow {
  readonly name: string;
  readonly created_at: number;
  readonly lifecycle: string;
}

const statementsOf = perDatabase((db) => ({
  all: db.prepare<[], BucketRow>("SELECT name, created_at, lifecycle FROM object_buckets ORDER BY name"),
  find: db.prepare<[string], BucketRow>("SELECT name, created_at, lifecycle FROM object_buckets WHERE name = ?"),
  create: db.prepare<[string, number]>("INSERT INTO object_buckets (name, created_at) VALUES (?, ?)"),
  remove: db.prepare<[string]>("DELETE FROM object_buckets WHERE name = ?"),
  hasObject: db.prepare<[string], number>("SELECT 1 FROM objects WHERE bucket = ? LIMIT 1").pluck(),
  setLifecycle: db.prepare<[string, number, string]>(
    `INSERT INTO object_buckets (name, created_at, lifecycle) VALUES (?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET lifecycle = excluded.lifecycle`,
  ),
}));

/** Buckets that were made, that have an object, and the one that every project has; by name. */
export function allBuckets(db: SqliteDatabase): BucketInfo[] {
  const found = new Map<string, BucketInfo>([[DEFAULT_BUCKET, { name: DEFAULT_BUCKET, createdAt: 0 }]]);
  for (const name of listBuckets(db)) found.set(name, { name, createdAt: 0 });
  for (const row of statementsOf(db).all.all()) found.set(row.name, { name: row.name, createdAt: row.created_at });
  return [...found.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
}

export function hasBucket(db: SqliteDatabase, name: string): boolean {
  if (name === DEFAULT_BUCKET) return true;
  const statements = statementsOf(db);
  return statements.find.get(name) !== undefined || statements.hasObject.get(name) !== undefined;
}

/** @throws R2Refusal bucketExists, invalidArgument */
export function createBucket(db: SqliteDatabase, name: string, now: number): void {
  if (hasBucket(db, name)) throw new R2Refusal("bucketExists");
  if (statementsOf(db).all.all().length >= MAX_BUCKETS) {
    throw new R2Refusal("invalidArgument", { message: `A project has at most ${MAX_BUCKETS} buckets.` });
  }
  statementsOf(db).create.run(name, now);
}

/** @throws R2Refusal noSuchBucket, bucketNotEmpty */
export function deleteBucket(db: SqliteDatabase, name: string): void {
  if (!hasBucket(db, name)) throw new R2Refusal("noSuchBucket");
  const statements = statementsOf(db);
  if (statements.hasObject.get(name) !== undefined) throw new R2Refusal("bucketNotEmpty");
  statements.remove.run(name);
}

export function readLifecycle(db: SqliteDatabase, name: string): LifecycleRule[] {
  const row = statementsOf(db).find.get(name);
  return row === undefined ? [] : JSON.parse(row.lifecycle);
}

export function writeLifecycle(db: SqliteDatabase, name: string, rules: readonly LifecycleRule[], now: number): void {
  statementsOf(db).setLifecycle.run(name, now, JSON.stringify(rules));
}

/** Buckets with rules. */
export function lifecycles(db: SqliteDatabase): { bucket: string; rules: LifecycleRule[] }[] {
  return statementsOf(db)
    .all.all()
    .filter((row) => row.lifecycle !== "[]")
    .map((row) => ({ bucket: row.name, rules: JSON.parse(row.lifecycle) }));
}
