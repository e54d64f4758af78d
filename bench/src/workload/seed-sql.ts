/** Rows of `items`, ids from 1. */
export const ITEMS = 1000;

/** Makes the tables that the workload reads and writes; one statement a line, as D1's `exec` wants it. */
export const SEED_SQL = [
  "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price INTEGER NOT NULL)",
  "CREATE TABLE events (id INTEGER PRIMARY KEY, item_id INTEGER NOT NULL, note TEXT NOT NULL)",
  `INSERT INTO items (id, name, price) WITH RECURSIVE ids(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM ids WHERE id < ${ITEMS}) SELECT id, 'item number ' || id, id * 7 FROM ids`,
].join("\n");
