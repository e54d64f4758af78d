import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PROJECT, startPlatformDouble } from "../testing/platform-double.ts";
import { type Outcome, type RunOptions, runCommand, temporaryFolder } from "../testing/run-command.ts";
import { failure } from "../testing/server-double.ts";

let double: Awaited<ReturnType<typeof startPlatformDouble>>;
beforeEach(async () => {
  double = await startPlatformDouble();
});
afterEach(() => double.close());

/** Runs a command on the double's project `shop`. */
function run(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return runCommand([...argv, "--project", PROJECT.slug], { ...options, env: { ...double.env, ...options.env } });
}

describe("errors", () => {
  it("say what happened, what to do, the code and the request", async () => {
    double.on(
      "GET /api/v1/projects/*/queues",
      failure(400, "VALIDATION_ERROR", "The limit is wrong.", "Send a number."),
    );
    const { exitCode, stderr } = await run(["queue", "list"]);
    expect(stderr).toBe("✗ The limit is wrong.\n  Send a number.\n  (VALIDATION_ERROR, request req_1)\n");
    expect(exitCode).toBe(1);
  });

  it.each([
    [401, "AUTH_INVALID_KEY", 3],
    [403, "FORBIDDEN", 3],
    [403, "DB_STATEMENT_REFUSED", 1],
    [404, "NOT_FOUND", 4],
    [409, "CONFLICT", 1],
    [429, "RATE_LIMIT_EXCEEDED", 1],
    [500, "INTERNAL_ERROR", 5],
    [503, "SERVICE_UNAVAILABLE", 5],
  ])("of status %d %s end with %d", async (status, code, expected) => {
    double.on("GET /api/v1/projects/*/queues", failure(status, code, "No."));
    const outcome = await run(["queue", "list", "--json"]);
    expect(outcome.exitCode).toBe(expected);
    expect(outcome.json()).toEqual({ error: { code, message: "No.", fix: "Do something else.", requestId: "req_1" } });
  });

  it("name the fields that are wrong", async () => {
    const details = { fieldErrors: { name: ["Too short."] } };
    double.on("POST /api/v1/projects", {
      status: 400,
      json: { error: { code: "VALIDATION_ERROR", message: "The request is not valid.", details } },
    });
    const { stderr } = await run(["projects", "create", "x"]);
    expect(stderr).toBe("✗ The request is not valid.\n  name: Too short.\n  (VALIDATION_ERROR)\n");
  });

  it("show no stack without --verbose, and one with it", async () => {
    double.on("GET /api/v1/projects/*/queues", {
      body: "<html>gateway</html>",
      headers: { "content-type": "text/html" },
    });
    const quiet = await run(["queue", "list"]);
    expect(quiet.exitCode).toBe(5);
    expect(quiet.stderr).toContain("did not answer JSON");
    expect(quiet.stderr).not.toContain("    at ");
    expect((await run(["queue", "list", "--verbose"])).stderr).toContain("    at ");
  });

  it("cannot steer the terminal", async () => {
    double.on("GET /api/v1/projects/*/queues", failure(400, "X", "\u001b[2Jgone"));
    expect((await run(["queue", "list"])).stderr).toContain("✗ \\x1b[2Jgone");
  });

  it("say that no server answers, and how to start one", async () => {
    const { exitCode, stderr } = await runCommand(["whoami"], {
      env: { AEROSTACK_API_URL: "http://127.0.0.1:9", AEROSTACK_API_KEY: "ak" },
    });
    expect(exitCode).toBe(5);
    expect(stderr).toMatch(
      /^✗ No server answers at http:\/\/127\.0\.0\.1:9 \(.+\)\.\n {2}Start one with `aerostack start`/,
    );
  });

  it("say how to log in where there is no key", async () => {
    const { exitCode, stderr } = await runCommand(["whoami"], { env: { AEROSTACK_API_URL: double.url } });
    expect(stderr).toBe(
      `✗ You are not logged in to ${double.url}.\n  Run \`aerostack login\`, or set AEROSTACK_API_KEY.\n  (NOT_LOGGED_IN)\n`,
    );
    expect(exitCode).toBe(3);
    expect(double.requests).toEqual([]);
  });

  it("stop the key from following a redirect", async () => {
    double.on("POST /api/v1/cli/validate", {
      status: 302,
      json: {},
      headers: { location: "http://127.0.0.1:9/elsewhere" },
    });
    const { exitCode, stderr } = await run(["whoami"]);
    expect(exitCode).toBe(5);
    expect(stderr).toContain("redirects to http://127.0.0.1:9/elsewhere");
  });
});

describe("destroying", () => {
  it.each([
    [
      ["kv", "delete", "a/b", "--namespace", "cache"],
      "a/b from cache in shop",
      "DELETE /api/v1/projects/prj_1/kv/cache/values/a%2Fb",
    ],
    [
      ["storage", "delete", "a/b c.txt"],
      "a/b c.txt from default in shop",
      "DELETE /api/v1/projects/prj_1/storage/default/objects/a/b%20c.txt",
    ],
    [
      ["secrets", "delete", "KEY", "--env", "staging"],
      "secret KEY of staging in shop",
      "DELETE /api/v1/projects/prj_1/secrets/KEY",
    ],
    [["keys", "revoke", "key_1"], "key key_1 of shop", "DELETE /api/v1/projects/prj_1/keys/key_1"],
    [["queue", "purge", "jobs"], "all messages of jobs in shop", "DELETE /api/v1/projects/prj_1/queues/jobs/messages"],
  ])("%j shows, asks, and acts", async (argv, what, request) => {
    double.on("DELETE /api/v1/projects/*/kv/*/values/*", { json: { success: true } });
    double.on("DELETE /api/v1/projects/*/storage/*/objects/*/*", { json: { success: true } });
    double.on("DELETE /api/v1/projects/*/secrets/*", { json: { success: true } });
    double.on("DELETE /api/v1/projects/*/keys/*", { json: { success: true } });
    double.on("DELETE /api/v1/projects/*/queues/*/messages", { json: { purged: 2 } });
    const deletions = () =>
      double.requests.filter(({ method }) => method === "DELETE").map(({ method, path }) => `${method} ${path}`);

    const dry = await run([...argv, "--dry-run"]);
    expect(dry.exitCode).toBe(0);
    expect(dry.stdout).toMatch(/^Would (?:delete|revoke) /);
    expect(dry.stdout).toContain(`${what}.\n`);

    const unasked = await run(argv);
    expect(unasked.exitCode).toBe(2);
    expect(unasked.stderr).toContain("Add --yes to go ahead, or --dry-run");

    const refused = await run(argv, { answers: [false] });
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toBe("✗ Nothing was changed.\n");
    expect(deletions()).toEqual([]);

    const agreed = await run(argv, { answers: [true] });
    expect(agreed.exitCode).toBe(0);
    expect(deletions()).toEqual([request]);
    expect((await run([...argv, "--yes"])).exitCode).toBe(0);
    expect(deletions()).toEqual([request, request]);
  });

  it("deletes the project that is named, confirmed by its slug", async () => {
    double.on("DELETE /api/v1/projects/*", { json: { success: true } });
    const outcome = await runCommand(["projects", "delete", "shop", "--yes", "--json"], { env: double.env });
    expect(outcome.json()).toEqual({ dryRun: false, project: { id: "prj_1", slug: "shop", name: "shop" } });
    expect(double.requests.at(-1)).toMatchObject({ path: "/api/v1/projects/shop", query: { confirm: "shop" } });
  });
});

describe("secrets set", () => {
  beforeEach(() => double.on("PUT /api/v1/projects/*/secrets/*", { json: { success: true } }));

  it("takes the value from standard input, without the newline of echo", async () => {
    const { exitCode, stderr } = await run(["secrets", "set", "STRIPE_KEY", "--env", "staging"], {
      stdin: "sk_live_1\n",
    });
    expect(stderr).toBe("✓ Set STRIPE_KEY for staging in shop\n");
    expect(exitCode).toBe(0);
    expect(double.requests.at(-1)?.json()).toEqual({ value: "sk_live_1", env: "staging" });
  });

  it("asks where there is a terminal", async () => {
    await run(["secrets", "set", "STRIPE_KEY"], { answers: ["typed"] });
    expect(double.requests.at(-1)?.json()).toEqual({ value: "typed", env: "production" });
  });

  it("has no place for a value on the command line", async () => {
    expect((await run(["secrets", "set", "STRIPE_KEY", "sk_live_1"])).exitCode).toBe(2);
  });

  it("refuses an empty value", async () => {
    const { exitCode, stderr } = await run(["secrets", "set", "STRIPE_KEY"], { stdin: "\n" });
    expect(stderr).toBe("✗ Standard input holds no value.\n");
    expect(exitCode).toBe(2);
  });
});

describe("db", () => {
  const meta = { durationMs: 1.25, changes: 0, lastRowId: 0, rowsRead: 2, rowsWritten: 0 };
  const rows = {
    columns: ["id", "text"],
    rows: [
      [1, "first\u001b[2J"],
      [20, null],
    ],
    results: [],
    meta,
  };

  it("query shows rows as a table on stdout and the rest on stderr", async () => {
    double.on("POST /api/v1/projects/*/db/query", { json: rows });
    const { stdout, stderr } = await run([
      "db",
      "query",
      "SELECT * FROM t WHERE a = ? AND b = ? AND c = ?",
      "--param",
      "7",
      "--param",
      "007",
      "--param",
      "null",
    ]);
    expect(stdout).toBe("id  text\n 1  first\\x1b[2J\n20  NULL\n");
    expect(stderr).toBe("2 rows in 1 ms\n");
    expect(double.requests.at(-1)?.json()).toEqual({
      database: "main",
      sql: "SELECT * FROM t WHERE a = ? AND b = ? AND c = ?",
      params: [7, "007", null],
    });
  });

  it("query gives the server's answer with --json", async () => {
    double.on("POST /api/v1/projects/*/db/query", { json: rows });
    expect((await run(["db", "query", "SELECT 1", "--json"])).json()).toEqual(rows);
  });

  it("shell runs statements from standard input and stops at the first that fails", async () => {
    double.on("POST /api/v1/projects/*/db/query", (request) =>
      (request.json() as { sql: string }).sql.startsWith("BAD")
        ? failure(400, "DB_QUERY_FAILED", 'near "BAD": syntax error')
        : { json: { ...rows, columns: [], rows: [], meta: { ...meta, changes: 1 } } },
    );
    const { exitCode, stderr } = await run(["db", "shell"], {
      stdin: "INSERT INTO t\nVALUES (1);\nBAD;\nINSERT INTO t VALUES (2);\n",
    });
    expect(exitCode).toBe(1);
    expect(stderr).toBe(
      '1 changed in 1 ms\n✗ near "BAD": syntax error\n  Do something else.\n  (DB_QUERY_FAILED, request req_1)\n',
    );
    const sent = double.requests
      .filter(({ path }) => path.endsWith("/query"))
      .map((request) => (request.json() as { sql: string }).sql);
    expect(sent).toEqual(["INSERT INTO t\nVALUES (1);", "BAD;"]);
  });

  it("migrate sends the files in order and says which were new", async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, "0002_b.sql"), "CREATE TABLE b (id);");
    writeFileSync(join(cwd, "0001_a.sql"), "CREATE TABLE a (id);");
    writeFileSync(join(cwd, "README.md"), "not SQL");
    double.on("POST /api/v1/projects/*/db/migrations", (request) => {
      const { dryRun } = request.json() as { dryRun: boolean };
      return {
        json: {
          applied: [{ name: "0001_a.sql", checksum: "c", appliedAt: "2026-06-01T11:00:00.000Z" }],
          pending: dryRun ? ["0002_b.sql"] : [],
          missing: [],
          drift: null,
        },
      };
    });
    const dry = await run(["db", "migrate", "--dir", ".", "--dry-run"], { cwd });
    expect(dry.stdout).toBe("Would apply 0002_b.sql\n");
    const { stdout, stderr } = await run(["db", "migrate", "--dir", "."], { cwd });
    expect(stderr).toBe("✓ Applied 1 migration to database main\n");
    expect(stdout).toBe("  0002_b.sql\n");
    expect(double.requests.at(-1)?.json()).toEqual({
      database: "main",
      dryRun: false,
      migrations: [
        { name: "0001_a.sql", sql: "CREATE TABLE a (id);" },
        { name: "0002_b.sql", sql: "CREATE TABLE b (id);" },
      ],
    });
  });

  it("migrate shows what was changed outside migrations, and takes it over when told to", async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, "0001_a.sql"), "CREATE TABLE a (id);");
    const diff =
      "--- table a (by migrations)\n+++ table a (found)\n@@ -1 +1 @@\n-CREATE TABLE a (id);\n+CREATE TABLE a (\u001b[2J);\n";
    double.on("POST /api/v1/projects/*/db/migrations", (request) => {
      const { dryRun, acceptDrift } = request.json() as { dryRun: boolean; acceptDrift?: boolean };
      if (dryRun || acceptDrift) return { json: { applied: [], pending: [], missing: ["0000_z.sql"], drift: diff } };
      const error = {
        code: "DB_MIGRATION_DRIFT",
        message: "The schema was changed.",
        fix: "Undo it.",
        details: { diff },
      };
      return { status: 409, json: { error } };
    });
    const shown = diff
      .replace("\u001b", "\\x1b")
      .trimEnd()
      .split("\n")
      .map((line) => `  ${line}\n`)
      .join("");
    const dry = await run(["db", "migrate", "--dir", ".", "--dry-run"], { cwd });
    expect(dry.stderr).toContain(`! The schema was changed outside migrations:\n${shown}`);
    expect(dry.stderr).toContain(`! 0000_z.sql was applied and is not in ${cwd}.\n`);
    const refused = await run(["db", "migrate", "--dir", "."], { cwd });
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toBe(`✗ The schema was changed.\n${shown}  Undo it.\n  (DB_MIGRATION_DRIFT)\n`);
    const accepted = await run(["db", "migrate", "--dir", ".", "--accept-drift"], { cwd });
    expect(accepted.exitCode).toBe(0);
    expect(double.requests.at(-1)?.json()).toMatchObject({ acceptDrift: true, dryRun: false });
  });

  it("export writes what the server sends, byte for byte", async () => {
    double.on("GET /api/v1/projects/*/db/export", { body: "CREATE TABLE t (id);\nINSERT INTO t VALUES ('é');\n" });
    const cwd = temporaryFolder();
    expect((await run(["db", "export"])).stdout).toBe("CREATE TABLE t (id);\nINSERT INTO t VALUES ('é');\n");
    const outcome = await run(["db", "export", "-o", "backup.sql", "--json"], { cwd });
    expect(readFileSync(join(cwd, "backup.sql"), "utf8")).toBe("CREATE TABLE t (id);\nINSERT INTO t VALUES ('é');\n");
    expect(outcome.json()).toEqual({ database: "main", file: join(cwd, "backup.sql"), sizeBytes: 50 });
  });

  it("import sends the file as it is", async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, "dump.sql"), "SELECT 1;");
    double.on("POST /api/v1/projects/*/db/import", { json: { statements: 1, durationMs: 2 } });
    const { stderr } = await run(["db", "import", "dump.sql", "--database", "other", "--yes"], { cwd });
    expect(stderr).toBe("✓ Ran 1 statement in 2 ms\n");
    expect(double.requests.at(-1)?.query).toEqual({ database: "other" });
    expect(double.requests.at(-1)?.body.toString()).toBe("SELECT 1;");
  });

  it("says that a file is not there", async () => {
    const { exitCode, stderr } = await run(["db", "import", "absent.sql", "--yes"]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^✗ There is no file .*absent\.sql\.\n {2}\(FILE_NOT_READABLE\)\n$/);
  });
});

describe("kv and storage", () => {
  it("write and read bytes as they are", async () => {
    const bytes = Buffer.from([0, 255, 10, 27]);
    double.on("GET /api/v1/projects/*/kv/*/values/*", { body: bytes });
    expect(await run(["kv", "get", "k", "--json"]).then((outcome) => outcome.json())).toEqual({
      key: "k",
      namespace: "default",
      value: bytes.toString("base64"),
      encoding: "base64",
    });
    double.on("PUT /api/v1/projects/*/kv/*/values/*", { json: { success: true } });
    await run(["kv", "put", "k", "value with spaces", "--ttl", "60"]);
    expect(double.requests.at(-1)).toMatchObject({
      query: { ttl: "60" },
      path: "/api/v1/projects/prj_1/kv/default/values/k",
    });
    expect(double.requests.at(-1)?.body.toString()).toBe("value with spaces");
    await run(["kv", "put", "k"], { stdin: "from stdin\n" });
    expect(double.requests.at(-1)?.body.toString()).toBe("from stdin\n");
  });

  it("upload a file with the type its ending tells, and leave nothing of a download that breaks", async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, "logo.svg"), "<svg/>");
    double.on("PUT /api/v1/projects/*/storage/*/objects/*/*", { json: { success: true } });
    const { stderr } = await run(["storage", "put", "logo.svg", "img/logo.svg"], { cwd });
    expect(stderr).toBe("✓ Uploaded img/logo.svg to default (6 B)\n");
    expect(double.requests.at(-1)?.headers["content-type"]).toBe("image/svg+xml");

    double.on("GET /api/v1/projects/*/storage/*/objects/*", failure(404, "NOT_FOUND", "There is no object 'x'."));
    expect((await run(["storage", "get", "x", "-o", "x"], { cwd })).exitCode).toBe(4);
    expect(() => readFileSync(join(cwd, "x"))).toThrow();
  });

  it("list pages and say how to go on", async () => {
    double.on("GET /api/v1/projects/*/kv/*/keys", {
      json: { keys: [{ name: "a", expiresAt: null }], nextCursor: "c2" },
    });
    const { stdout, stderr } = await run(["kv", "list", "--prefix", "a"]);
    expect(stdout).toBe("Key  Expires\na\n");
    expect(stderr).toBe("More: add --cursor c2\n");
    expect(double.requests.at(-1)?.query).toEqual({ prefix: "a", limit: "100" });
  });
});

describe("queue send", () => {
  it.each([
    ['{"a":1}', { a: 1 }],
    ["plain text", "plain text"],
    ["7", 7],
  ])("sends %s as %j", async (given, expected) => {
    double.on("POST /api/v1/projects/*/queues/*/messages", { status: 201, json: { success: true } });
    expect((await run(["queue", "send", given, "--queue", "jobs"])).stderr).toBe("✓ Sent to jobs\n");
    expect(double.requests.at(-1)?.json()).toEqual({ body: expected, delaySeconds: 0 });
  });
});

describe("keys create", () => {
  it("writes the key alone to stdout, so that a script can take it", async () => {
    double.on("POST /api/v1/projects/*/keys", {
      status: 201,
      json: {
        secret: "pk_secret",
        key: {
          id: "key_1",
          name: "web",
          kind: "public",
          prefix: "pk_s",
          createdAt: "2026-06-01T12:00:00.000Z",
          expiresAt: null,
          scopes: ["*"],
          allowedIps: [],
          lastUsedIp: null,
          replacedBy: null,
          lastUsedAt: null,
          revokedAt: null,
        },
      },
    });
    const { stdout, stderr } = await run(["keys", "create", "web", "--kind", "public", "--expires", "2027-01-31"]);
    expect(stdout).toBe("pk_secret\n");
    expect(stderr).toBe("✓ Created a key of shop. It is shown this once:\n");
    expect(double.requests.at(-1)?.json()).toEqual({
      name: "web",
      kind: "public",
      expiresAt: "2027-01-31T00:00:00.000Z",
    });
  });
});
