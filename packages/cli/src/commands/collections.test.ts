import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PROJECT, startPlatformDouble } from "../testing/platform-double.ts";
import { type Outcome, type RunOptions, runCommand, temporaryFolder } from "../testing/run-command.ts";
import { failure } from "../testing/server-double.ts";

let double: Awaited<ReturnType<typeof startPlatformDouble>>;
let cwd: string;
beforeEach(async () => {
  double = await startPlatformDouble();
  cwd = temporaryFolder();
});
afterEach(() => double.close());

const TIME = "2026-06-01T11:59:00.000Z";
const RULES = { list: "none", get: "none", create: "none", update: "none", delete: "none" };
const SCHEMA = { type: "object", required: ["title"], properties: { title: { type: "string" } } };
const view = (name: string, rules: object = {}) => ({
  id: "col_1",
  name,
  version: 1,
  schema: SCHEMA,
  indexes: [],
  rules: { ...RULES, ...rules },
  createdAt: TIME,
  updatedAt: TIME,
});

function run(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return runCommand([...argv, "--project", PROJECT.slug], { cwd, ...options, env: { ...double.env, ...options.env } });
}

function describeTodos(): void {
  mkdirSync(join(cwd, "collections"));
  writeFileSync(join(cwd, "collections", "todos.json"), JSON.stringify(SCHEMA));
  writeFileSync(
    join(cwd, "aerostack.toml"),
    `name = "shop"
[[collections]]
name = "todos"
schema = "collections/todos.json"
indexes = [{ fields = ["title"], unique = true }]
[collections.rules]
list = "owner"
[[collections]]
name = "tags"
schema = { type = "object", properties = { name = { type = "string" } } }
`,
  );
}

describe("collections", () => {
  it("push sends what the file describes, schemas from their files, and says what changed", async () => {
    describeTodos();
    double.on("PUT /api/v1/projects/*/collections/*", (_request, [, name]) => ({
      json: {
        collection: view(String(name)),
        created: name === "todos",
        changes: name === "todos" ? [{ what: "create table todos", destructive: false }] : [],
      },
    }));
    const { stdout, stderr, exitCode } = await run(["collections", "push"]);
    expect(exitCode).toBe(0);
    expect(stderr).toBe("✓ 1 collection changed, 1 as before\n");
    expect(stdout).toBe("  todos: create table todos\n");
    const sent = double.requests.filter(({ method }) => method === "PUT");
    expect(sent.map(({ path }) => path.split("/").at(-1))).toEqual(["todos", "tags"]);
    expect(sent[0]?.json()).toEqual({
      schema: SCHEMA,
      indexes: [{ fields: ["title"], unique: true }],
      rules: { list: "owner" },
      allowDestructive: false,
      dryRun: false,
    });
    const dry = await run(["collections", "push", "--dry-run", "--allow-destructive", "--json"]);
    expect(dry.json()).toMatchObject({
      dryRun: true,
      collections: [{ name: "todos", created: true }, { name: "tags" }],
    });
    expect(double.requests.at(-1)?.json()).toMatchObject({ allowDestructive: true, dryRun: true });
  });

  it("push shows what would be lost, and passes on a refusal", async () => {
    describeTodos();
    const changes = [{ what: "drop column old", destructive: true }];
    double.on("PUT /api/v1/projects/*/collections/*", (request) =>
      (request.json() as { dryRun: boolean }).dryRun
        ? { json: { collection: view("todos"), created: false, changes } }
        : failure(409, "CONFLICT", "It would lose data.", "Allow it."),
    );
    expect((await run(["collections", "push", "--dry-run"])).stdout).toContain("todos: drop column old (loses data)");
    const refused = await run(["collections", "push"]);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain("✗ It would lose data.\n  Allow it.\n");
  });

  it("push pushes nothing when a schema's file is missing or broken", async () => {
    describeTodos();
    writeFileSync(join(cwd, "collections", "todos.json"), "{");
    const broken = await run(["collections", "push"]);
    expect(broken.exitCode).toBe(2);
    expect(broken.stderr).toContain("todos.json is not valid JSON");
    expect(double.requests.some(({ method }) => method === "PUT")).toBe(false);
  });

  it("list shows who may do what", async () => {
    const rules = { list: "public", update: "row.owner_id == user.id && new.title != row.title" };
    double.on("GET /api/v1/projects/*/collections", {
      json: { collections: [view("todos", rules)], nextCursor: null },
    });
    const { stdout } = await run(["collections", "list"]);
    expect(stdout).toContain("todos");
    expect(stdout).toContain("public");
    expect(stdout).toContain("row.owner_id == user.id…");
  });

  it("delete asks, and names the collection once more to the server", async () => {
    double.on("DELETE /api/v1/projects/*/collections/*", { json: { success: true } });
    expect((await run(["collections", "delete", "todos"])).exitCode).toBe(2);
    expect((await run(["collections", "delete", "todos", "--yes"])).exitCode).toBe(0);
    expect(double.requests.at(-1)?.query).toEqual({ confirm: "todos" });
  });
});

describe("generate types", () => {
  beforeEach(() => {
    double.on("GET /api/v1/projects/*/collections", { json: { collections: [view("todos")], nextCursor: null } });
    const column = {
      name: "id",
      type: "INTEGER",
      nullable: false,
      primaryKey: true,
      defaultValue: null,
      generated: false,
    };
    const tables = [{ name: "notes", kind: "table", columns: [column] }];
    double.on("GET /api/v1/projects/*/db/tables", { json: { tables, nextCursor: null } });
  });

  it("writes a file beside the configuration, and says when nothing is new", async () => {
    describeTodos();
    const folder = join(cwd, "src");
    mkdirSync(folder);
    const first = await run(["generate", "types"], { cwd: folder });
    expect(first.stderr).toBe("✓ Wrote ../aerostack-types.ts: 1 table, 1 collection\n");
    const content = readFileSync(join(cwd, "aerostack-types.ts"), "utf8");
    expect(content).toContain("export interface ProjectSchema {");
    expect(content).toContain("    notes: {\n      id: number;\n    };");
    expect(content).toContain("    todos: {\n      title: string;\n    };");
    expect((await run(["generate", "types"])).stderr).toContain("Nothing new in aerostack-types.ts");
    const json = await run(["generate", "types", "-o", "other/types.ts", "--database", "second", "--json"]);
    expect(json.json()).toEqual({
      file: join(cwd, "other", "types.ts"),
      changed: true,
      database: "second",
      tables: ["notes"],
      collections: ["todos"],
    });
    expect(double.requests.find(({ query }) => query.database === "second")).toBeDefined();
  });
});
