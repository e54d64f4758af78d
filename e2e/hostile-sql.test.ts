import { readdir, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createDeveloper, type Developer, type Project, RequestFailed } from "./harness/developer.ts";
import { fixtureWorker } from "./harness/fixture-worker.ts";
import { besideNeighbour } from "./harness/neighbour.ts";
import { descendantsOf, residentBytes } from "./harness/process-tree.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// What SQL of a user may try: to run for ever, to fill memory and disk, to reach files, settings and other projects.

const QUERY_TIMEOUT_MS = 1_500;
const MEBIBYTE = 1024 * 1024;
const ENDLESS_READ = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) FROM c";
const ENDLESS_WRITE = `INSERT INTO filled WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c`;

let server: ServerProcess;
let developer: Developer;
let neighbour: Project;
let project: Project;

interface SqlAnswer {
  readonly error?: string;
  readonly results?: Record<string, unknown>[];
}

/** Through the function's own D1 binding. */
async function d1(sql: string | readonly string[], method = "all", params: unknown[] = []): Promise<SqlAnswer> {
  const answer = await fetch(developer.functionUrl(project, "hostile", "/sql"), {
    method: "POST",
    body: JSON.stringify({ sql, method, params }),
  });
  const text = await answer.text();
  expect([answer.status, text]).toEqual([200, expect.stringMatching(/^[{[]/)]);
  return JSON.parse(text) as SqlAnswer;
}

/** Through the management API. */
async function query(sql: string): Promise<{ status: number; text: string }> {
  return await developer.call<object>("POST", `/api/v1/projects/${project.id}/db/query`, { sql }).then(
    (body) => ({ status: 200, text: JSON.stringify(body) }),
    (error: unknown) => {
      if (!(error instanceof RequestFailed)) throw error;
      return { status: error.status, text: JSON.stringify(error.body) };
    },
  );
}

async function contained<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
  const url = developer.functionUrl(neighbour, "kind", "/read");
  return await besideNeighbour(what, { url, expectedBody: '{"n":' }, work);
}

beforeAll(async () => {
  server = await startServer({ env: { ...UNLIMITED, AEROSTACK_QUERY_TIMEOUT_MS: String(QUERY_TIMEOUT_MS) } });
  developer = await createDeveloper(server);
  neighbour = await developer.createProject("sql neighbour");
  await developer.deploy(neighbour, {
    name: "kind",
    isPublic: true,
    worker: `export default { fetch: async (_request, env) =>
      Response.json(await env.DB.prepare("SELECT count(*) AS n FROM sqlite_master").first()) };`,
  });
  project = await developer.createProject("sql attacker");
  await developer.deploy(project, { name: "hostile", worker: await fixtureWorker("hostile"), isPublic: true });
  await d1("CREATE TABLE filled (n INTEGER)");
  await d1("CREATE TABLE kept (id INTEGER PRIMARY KEY, text TEXT)");
  await d1("INSERT INTO kept VALUES (1, 'still here')");
});
beforeEach(async () => {
  await d1("DELETE FROM filled");
  await d1("DELETE FROM kept WHERE id > 1");
});
afterAll(async () => {
  await server?.dispose();
});

async function stillWorks(): Promise<void> {
  expect((await d1("SELECT text FROM kept")).results).toEqual([{ text: "still here" }]);
  expect((await d1("INSERT INTO kept VALUES (NULL, 'more') RETURNING text")).results).toEqual([{ text: "more" }]);
  await d1("DELETE FROM kept WHERE id > 1");
}

describe("a statement that runs for ever", () => {
  const TIMEOUT = /^D1_ERROR: .*(DB_QUERY_TIMEOUT|ran longer)/;

  test("reading: is ended at the limit in D1's wording; the neighbour does not notice", async () => {
    const startedAt = performance.now();
    const { error } = await contained("runaway read", () => d1(ENDLESS_READ));
    expect(error).toMatch(TIMEOUT);
    expect(performance.now() - startedAt).toBeLessThan(3 * QUERY_TIMEOUT_MS);
    await stillWorks();
  });

  test("writing: is ended at the limit, leaves nothing behind; the neighbour does not notice", async () => {
    const { error } = await contained("runaway write", () => d1(ENDLESS_WRITE));
    expect(error).toMatch(TIMEOUT);
    expect((await d1("SELECT count(*) AS n FROM filled")).results).toEqual([{ n: 0 }]);
    await stillWorks();
  });

  test("several at once, reading and writing: other statements of the same project wait no longer than the limit", async () => {
    const answers = await contained("eight runaway statements", async () => {
      const runaways = Array.from({ length: 8 }, (_, index) => d1(index % 2 === 0 ? ENDLESS_READ : ENDLESS_WRITE));
      return await Promise.all(runaways);
    });
    for (const { error } of answers) expect(error).toMatch(/^D1_ERROR: /);
    await stillWorks();
  });

  test("through the management API: 408 DB_QUERY_TIMEOUT", async () => {
    expect(await query(ENDLESS_READ)).toEqual({ status: 408, text: expect.stringContaining("DB_QUERY_TIMEOUT") });
    await stillWorks();
  });

  test("reads and writes of the same project that stood beside it are not lost", async () => {
    const runaway = d1(ENDLESS_READ);
    const writes = await Promise.all(
      Array.from({ length: 40 }, (_, n) => d1("INSERT INTO filled VALUES (?) RETURNING n", "all", [n])),
    );
    const reads = await Promise.all(Array.from({ length: 40 }, () => d1("SELECT text FROM kept")));
    await runaway;
    expect(writes.map((answer) => answer.error ?? answer.results)).toEqual(writes.map((_, n) => [{ n }]));
    expect(reads.filter((answer) => answer.error !== undefined)).toEqual([]);
    expect((await d1("SELECT count(*) AS n, count(DISTINCT n) AS d FROM filled")).results).toEqual([{ n: 40, d: 40 }]);
  });

  test.each([
    [
      "in a trigger",
      "CREATE TRIGGER t AFTER INSERT ON kept BEGIN INSERT INTO filled WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c; END",
      "INSERT INTO kept VALUES (NULL, 'x')",
    ],
    ["in a view", `CREATE VIEW v AS ${ENDLESS_READ}`, "SELECT * FROM v"],
    [
      "in an index expression's table",
      "CREATE TABLE big AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 3000) SELECT n FROM c",
      "SELECT count(*) FROM big a, big b, big c, big d",
    ],
  ])("%s", async (_where, prepare, run) => {
    expect(await d1(prepare)).not.toHaveProperty("error");
    // What such a statement holds until it is committed may reach its memory limit first.
    expect((await d1(run)).error).toMatch(/^D1_ERROR: .*(DB_QUERY_TIMEOUT|DB_MEMORY_LIMIT)/);
    for (const leftover of ["TRIGGER t", "VIEW v", "TABLE big"])
      await d1(`DROP ${leftover.replace(" ", " IF EXISTS ")}`);
    await stillWorks();
  });
});

test.each([
  ["a huge blob", "SELECT zeroblob(900000000)"],
  ["a huge text", "SELECT printf('%.*c', 900000000, 'x')"],
  ["hex of a huge blob", "SELECT hex(zeroblob(400000000))"],
  ["replace that grows", "SELECT replace(hex(zeroblob(900000)), '0', hex(zeroblob(900)))"],
  [
    "group_concat without end",
    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT group_concat(hex(randomblob(1000))) FROM c",
  ],
  [
    "rows without end",
    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n, hex(randomblob(500)) FROM c",
  ],
  [
    "sorting without end",
    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 100000000) SELECT n FROM c ORDER BY random()",
  ],
  [
    "JSON that grows",
    "SELECT json_group_array(hex(zeroblob(900000))) FROM (WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 5000) SELECT n FROM c)",
  ],
])("memory: %s ends in an error, and no process grows without bound", async (_what, sql) => {
  const { error } = await contained("memory by SQL", () => d1(sql));
  expect(error).toMatch(/^D1_ERROR: /);
  for (const { pid } of await descendantsOf(server.pid)) {
    const bytes = await residentBytes(pid).catch(() => 0);
    expect(bytes).toBeLessThan(900 * MEBIBYTE);
  }
  await stillWorks();
});

describe("statements that reach outside", () => {
  const PLACE = join(tmpdir(), `aerostack-hostile-${process.pid}.db`);
  const STATEMENTS = [
    `ATTACH DATABASE '${PLACE}' AS other`,
    `ATTACH '${PLACE}' AS other KEY 'x'`,
    "ATTACH ':memory:' AS other",
    `aTtAcH/**/'${PLACE}'/**/AS/**/other`,
    `-- harmless\nATTACH '${PLACE}' AS other`,
    `EXPLAIN ATTACH '${PLACE}' AS other`,
    "DETACH main",
    `VACUUM INTO '${PLACE}'`,
    `VACUUM main INTO '${PLACE}'`,
    "SELECT load_extension('/lib/x86_64-linux-gnu/libc.so.6')",
    "SELECT \"load_extension\"('x')",
    "SELECT `load_extension`('x', 'y')",
    "SELECT [load_extension]('x')",
    "SELECT readfile('/etc/passwd')",
    `SELECT writefile('${PLACE}', 'x')`,
    "SELECT edit('x', 'sh')",
    "SELECT fts3_tokenizer('simple', x'4141414141414141')",
    "SELECT sqlite3mc_config('cipher')",
    "SELECT sqlite3mc_codec_data('raw:cipher_salt')",
    `CREATE VIRTUAL TABLE x USING csv(filename='/etc/passwd')`,
    "CREATE VIRTUAL TABLE x USING fsdir('/')",
    "CREATE VIRTUAL TABLE x USING zipfile('/tmp/x.zip')",
    "CREATE VIRTUAL TABLE x USING dbstat",
    "CREATE VIRTUAL TABLE x USING sqlite_dbpage",
    "SELECT * FROM sqlite_dbpage",
    "SELECT * FROM fsdir('/')",
    "SELECT * FROM pragma_database_list",
    "SELECT file FROM pragma_database_list()",
    "PRAGMA database_list",
    "PRAGMA temp_store_directory = '/tmp'",
    "PRAGMA data_store_directory = '/tmp'",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA journal_mode = OFF",
    "PRAGMA synchronous = OFF",
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA writable_schema = ON",
    "PRAGMA main.writable_schema(1)",
    "PRAGMA key = 'x'",
    "PRAGMA rekey = 'x'",
    "PRAGMA cipher = 'rc4'",
    "PRAGMA hexkey = '41'",
    "PRAGMA mmap_size = 1000000000000",
    "PRAGMA cache_size = -10000000",
    "PRAGMA soft_heap_limit = 1",
    "PRAGMA hard_heap_limit = 1",
    "PRAGMA max_page_count = 1",
    "PRAGMA threads = 64",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "PRAGMA query_only = ON",
    "PRAGMA trusted_schema = ON",
    "PRAGMA vdbe_trace = ON",
    "PRAGMA activate_extensions('x')",
    "BEGIN",
    "BEGIN EXCLUSIVE",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT s",
    "CREATE TEMP TABLE t (n)",
    "CREATE TABLE _cf_secret (n)",
    "SELECT * FROM _aero_commits",
    "DROP TABLE _aero_commits",
    "UPDATE sqlite_master SET sql = 'x'",
    "DELETE FROM sqlite_schema",
  ];

  test.each(STATEMENTS)("%s", async (statement) => {
    const direct = await d1(statement);
    expect([statement, direct.error]).toEqual([statement, expect.stringMatching(/^D1_ERROR: /)]);
    // The same by every other way in.
    for (const [method, sql] of [
      ["exec", statement],
      ["batch", ["SELECT 1", statement]],
      ["exec", `SELECT 1;\n${statement}`],
    ] as const) {
      const answer = await d1(sql, method);
      expect([method, sql, answer.error]).toEqual([method, sql, expect.stringMatching(/^D1_/)]);
    }
    const managed = await query(statement);
    expect([statement, managed.status]).toEqual([
      statement,
      expect.toSatisfy((status) => status === 403 || status === 400),
    ]);
    for (const text of [JSON.stringify(direct), managed.text]) {
      expect(text).not.toContain(server.dataDir);
      expect(text).not.toContain("root:");
    }
    await expect(stat(PLACE)).rejects.toThrow("ENOENT");
    await stillWorks();
  });

  test("nothing that a user may select tells where the files lie", async () => {
    for (const sql of [
      "PRAGMA compile_options",
      "PRAGMA table_list",
      "SELECT * FROM sqlite_master",
      "SELECT sqlite_version(), sqlite_source_id()",
    ]) {
      expect(JSON.stringify(await d1(sql))).not.toContain(server.dataDir);
    }
  });

  test("another project's tables are not there under any name", async () => {
    await developer.call("POST", `/api/v1/projects/${neighbour.id}/db/query`, {
      sql: "CREATE TABLE IF NOT EXISTS only_the_neighbours (secret TEXT)",
    });
    for (const name of [
      "only_the_neighbours",
      "main.only_the_neighbours",
      `"${neighbour.id}".only_the_neighbours`,
      "other.only_the_neighbours",
    ]) {
      expect((await d1(`SELECT * FROM ${name}`)).error).toMatch(/no such table/);
    }
  });
});

test("the file of a database is encrypted: neither its text nor SQLite's header can be read from the disk", async () => {
  await d1("INSERT INTO kept VALUES (77, 'a-very-recognisable-secret')");
  const host = join(server.dataDir, "host");
  const names = (await readdir(host, { recursive: true })).filter((name) => /\.sqlite(-wal)?$/.test(name));
  expect(names.length).toBeGreaterThan(0);
  for (const name of names) {
    const bytes = await readFile(join(host, name));
    expect([name, bytes.includes("a-very-recognisable-secret"), bytes.includes("SQLite format 3")]).toEqual([
      name,
      false,
      false,
    ]);
  }
});

test("nested, long and odd statements end in an error of their own", async () => {
  const odd = [
    `SELECT ${"(".repeat(5_000)}1${")".repeat(5_000)}`,
    `SELECT ${Array.from({ length: 5_000 }, (_, index) => index).join(" + ")}`,
    `SELECT '${"x".repeat(200_000)}'`,
    `SELECT ${Array.from({ length: 3_000 }, (_, index) => `${index} AS c${index}`).join()}`,
    "SELECT 1; SELECT 2; SELECT 3",
    "SELECT 'unterminated",
    "SELECT /* unterminated",
    "",
    ";",
    " \t\n",
    "\u0000",
    "SELECT '\u0000'",
    "\ufeffSELECT 1",
    "SELECT ?1, ?99999",
    "SELECT :a, @b, $c",
    "SELECT \ud800",
  ];
  for (const sql of odd) {
    await d1(sql);
    expect([200, 400, 403, 413]).toContain((await query(sql)).status);
  }
  await stillWorks();
});
