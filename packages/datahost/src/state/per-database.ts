import type { SqliteDatabase } from "./sqlite-driver.ts";

/**
 * Prepares a set of statements once per open database: `const statements = perDatabase((db) => ({ … }))`, then
 * `statements(db).name`. They are forgotten with the database when it is closed.
 */
export function perDatabase<T>(prepare: (db: SqliteDatabase) => T): (db: SqliteDatabase) => T {
  const known = new WeakMap<SqliteDatabase, T>();
  return (db) => {
    let found = known.get(db);
    if (found === undefined) {
      found = prepare(db);
      known.set(db, found);
    }
    return found;
  };
}
