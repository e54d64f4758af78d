import { AerostackError } from "@aerostack/contracts";
import { type AppliedMigration, checksumOf, type Migration } from "./migration-log.ts";
import { layOutSql, type SchemaObjects } from "./schema-objects.ts";
import { unifiedDiff } from "./text-diff.ts";

/** An object that is not as migrations left it; null: not there. */
export interface DriftedObject {
  /** Its kind and name: "table items". */
  readonly key: string;
  readonly expected: string | null;
  readonly found: string | null;
}

/** @throws DB_MIGRATION_DRIFT for a file that is not as it was when it was applied */
export function checkFiles(applied: readonly AppliedMigration[], given: readonly Migration[]): void {
  const known = new Map(applied.map((one) => [one.name, one]));
  for (const migration of given) {
    const before = known.get(migration.name);
    const givenChecksum = checksumOf(migration.sql);
    if (before === undefined || before.checksum === givenChecksum) continue;
    const when = new Date(before.appliedAt).toISOString();
    throw new AerostackError("DB_MIGRATION_DRIFT", {
      message: `The migration '${migration.name}' has changed since it was applied on ${when}.`,
      fix: "Put the file back as it was and write a further migration.",
      details: {
        name: migration.name,
        appliedChecksum: before.checksum,
        givenChecksum,
        diff: unifiedDiff(
          { label: `${migration.name} (applied)`, text: before.sql },
          { label: `${migration.name} (given)`, text: migration.sql },
        ),
      },
    });
  }
}

/**
 * Objects that migrations made and something else has changed since. What no migration has touched is nobody's business
 * here: functions may make tables of their own.
 */
export function findDrift(applied: readonly AppliedMigration[], live: SchemaObjects): DriftedObject[] {
  const expected = new Map<string, string | null>();
  for (const { objects } of applied) {
    for (const [key, sql] of Object.entries(objects ?? {})) expected.set(key, sql);
  }
  const drifted: DriftedObject[] = [];
  for (const [key, sql] of expected) {
    const found = live[key] ?? null;
    // What a migration removed may be made anew by others.
    if (sql !== null && sql !== found) drifted.push({ key, expected: sql, found });
  }
  return drifted;
}

export function driftDiff(drifted: readonly DriftedObject[]): string {
  return drifted
    .map(({ key, expected, found }) =>
      unifiedDiff(
        { label: `${key} (by migrations)`, text: `${layOutSql(expected ?? "")}\n` },
        { label: `${key} (found)`, text: found === null ? "" : `${layOutSql(found)}\n` },
      ),
    )
    .join("");
}

export function driftError(drifted: readonly DriftedObject[]): AerostackError {
  const names = drifted.map(({ key }) => key);
  return new AerostackError("DB_MIGRATION_DRIFT", {
    message: `The schema was changed outside migrations: ${names.slice(0, 5).join(", ")}${names.length > 5 ? ", …" : ""}.`,
    details: { objects: names, diff: driftDiff(drifted) },
  });
}
