import type { SqliteDatabase } from "./sqlite-driver.ts";

/**
 * Brings a database to the newest schema: runs what is new of `migrations` in one transaction. The number of those that
 * ran is the file's `user_version`.
 *
 * @throws Error when the file comes from a newer version of the program.
 */
export function applyMigrations(db: SqliteDatabase, migrations: readonly string[]): void {
  const version = db.pragma("user_version", { simple: true }) as number;
  if (version === migrations.length) return;
  if (version > migrations.length) {
    throw new Error(
      `the database has schema version ${version}; this program knows versions up to ${migrations.length}`,
    );
  }
  db.transaction(() => {
    for (const sql of migrations.slice(version)) db.exec(sql);
    db.pragma(`user_version = ${migrations.length}`);
  })();
}
