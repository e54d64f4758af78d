import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** workerd keeps the alarms of a namespace's objects here, as nanoseconds since the Unix epoch. */
const METADATA_FILE = "metadata.sqlite";
const NANOSECONDS_PER_MS = 1_000_000;

/**
 * When the next Durable Object of a project wants to be woken, milliseconds since the Unix epoch; null when none does.
 * To be asked only while no process owns the objects.
 */
export function nextAlarmAt(durableObjectDirectory: string): number | null {
  if (!existsSync(durableObjectDirectory)) return null;
  let next: number | null = null;
  for (const namespace of readdirSync(durableObjectDirectory)) {
    const at = earliestIn(join(durableObjectDirectory, namespace, METADATA_FILE));
    if (at !== null && (next === null || at < next)) next = at;
  }
  return next;
}

function earliestIn(file: string): number | null {
  if (!existsSync(file)) return null;
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
    const row = database.prepare(`SELECT min(scheduled_time / ${NANOSECONDS_PER_MS}) AS at FROM _cf_ALARM`).get();
    return typeof row?.at === "number" ? row.at : null;
  } catch {
    // Another version may lay it out differently: alarms then wait for the next request.
    return null;
  } finally {
    database?.close();
  }
}
