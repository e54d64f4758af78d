import type { CollectionRules } from "@aerostack/contracts";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createMemoryBus } from "../kernel/bus/memory-bus.ts";
import { createCatalog } from "./catalog.ts";
import { mainDatabase } from "./definition-store.ts";
import { createSchemaCompiler } from "./schema/compile-validator.ts";
import { definitionOf, failureOf, startTestCollections, type TestCollections, TRUSTED } from "./testing.ts";

let test: TestCollections;
let project: string;
let serial = 0;

beforeAll(async () => {
  test = await startTestCollections();
});
beforeEach(() => {
  project = `prj_${++serial}`;
  test.clock.advance(60_000);
});
afterAll(() => test.close());

const KEEP = { allowDestructive: false, dryRun: false };
const LOSE = { allowDestructive: true, dryRun: false };

interface Given {
  readonly indexes?: { fields: string[]; unique?: boolean }[];
  readonly rules?: Partial<CollectionRules>;
}

function put(properties: Record<string, unknown>, given: Given = {}, options = KEEP) {
  return test.service.put(
    project,
    "todos",
    definitionOf({ schema: { type: "object", properties }, ...given }),
    options,
  );
}

const columnsInPlace = async () =>
  (await test.sql(project, "SELECT name, type FROM pragma_table_xinfo('todos')")).map(
    ([name, type]) => `${name} ${type}`,
  );
const indexesInPlace = async () =>
  (await test.sql(project, "SELECT name FROM pragma_index_list('todos') WHERE origin = 'c' ORDER BY name")).flat();
const TEXT = { type: "string" };

describe("a collection", () => {
  it("is a table that SQL and functions work with", async () => {
    const { created, changes } = await put({
      title: { type: "string", default: "it's" },
      done: { type: "boolean", default: false },
      size: { type: "integer" },
      price: { type: "number" },
      tags: { type: "array", default: ["a"] },
    });
    expect(created).toBe(true);
    expect(changes).toEqual([{ what: "create table todos", destructive: false }]);
    expect(await columnsInPlace()).toEqual([
      "id TEXT",
      "owner_id TEXT",
      "created_at TEXT",
      "updated_at TEXT",
      "title TEXT",
      "done INTEGER",
      "size INTEGER",
      "price REAL",
      "tags TEXT",
    ]);
    await test.sql(project, "INSERT INTO todos (size) VALUES (3)");
    const { items } = await test.items.list(project, "todos", { limit: 10 }, TRUSTED);
    expect(items).toEqual([
      {
        id: expect.stringMatching(/^todos_[0-9a-f]{26}$/),
        owner_id: null,
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        updated_at: expect.stringMatching(/Z$/),
        title: "it's",
        done: false,
        size: 3,
        tags: ["a"],
      },
    ]);
    expect((await failureOf(test.sql(project, "INSERT INTO todos (size) VALUES ('many')"))).message).toContain(
      "INTEGER",
    );
    expect((await failureOf(test.sql(project, "INSERT INTO todos (tags) VALUES ('{')"))).message).toContain("CHECK");
    expect((await failureOf(test.sql(project, "INSERT INTO todos (done) VALUES (2)"))).message).toContain("CHECK");
  });

  it("takes new fields at once and keeps its rows", async () => {
    await put({ title: TEXT });
    await test.sql(project, "INSERT INTO todos (title) VALUES ('a')");
    const { changes, collection } = await put({ title: TEXT, done: { type: "boolean", default: true } });
    expect(changes).toEqual([{ what: "add column done", destructive: false }]);
    expect(collection.version).toBe(2);
    const { items } = await test.items.list(project, "todos", { limit: 10 }, TRUSTED);
    expect(items).toMatchObject([{ title: "a", done: true }]);
  });

  it("loses a field only when that is allowed, and says before what would be lost", async () => {
    await put({ title: TEXT, old: TEXT }, { indexes: [{ fields: ["old"] }] });
    await test.sql(project, "INSERT INTO todos (title, old) VALUES ('a', 'b')");
    const error = await failureOf(put({ title: TEXT }));
    expect(error).toMatchObject({ code: "CONFLICT", message: expect.stringContaining("drop column old") });
    expect(error.fix).toContain("allow-destructive");
    const planned = await put({ title: TEXT }, {}, { allowDestructive: false, dryRun: true });
    expect(planned.changes).toContainEqual({ what: "drop column old", destructive: true });
    expect(await test.sql(project, "SELECT old FROM todos")).toEqual([["b"]]);
    await put({ title: TEXT }, {}, LOSE);
    expect(await columnsInPlace()).not.toContain("old TEXT");
    expect(await test.sql(project, "SELECT title FROM todos")).toEqual([["a"]]);
    expect(await indexesInPlace()).toEqual([]);
  });

  it("changes a field's type by its values, and keeps foreign keys, triggers and views of others", async () => {
    await put({ title: TEXT, size: TEXT });
    await test.sql(project, "INSERT INTO todos (id, title, size) VALUES ('a', 'x', '12'), ('b', 'y', 'many')");
    await test.sql(project, "CREATE TABLE notes (todo TEXT REFERENCES todos (id) ON DELETE CASCADE)");
    await test.sql(project, "INSERT INTO notes VALUES ('a')");
    await test.sql(project, "CREATE VIEW titles AS SELECT title FROM todos");
    await test.sql(project, "CREATE TRIGGER noted AFTER DELETE ON todos BEGIN INSERT INTO notes VALUES (NULL); END");
    expect(await failureOf(put({ title: TEXT, size: { type: "integer" } }))).toMatchObject({ code: "CONFLICT" });
    await put({ title: TEXT, size: { type: "integer" } }, {}, LOSE);
    expect(await test.sql(project, "SELECT id, size FROM todos ORDER BY id")).toEqual([
      ["a", 12],
      ["b", null],
    ]);
    const { changes } = await put({ title: TEXT, size: { type: "number", default: 1.5 } });
    expect(changes).toEqual([{ what: "change column size from integer to number", destructive: false }]);
    expect(await test.sql(project, "SELECT size FROM todos WHERE id = 'a'")).toEqual([[12]]);
    expect(await test.sql(project, "SELECT count(*) FROM notes")).toEqual([[1]]);
    expect(await test.sql(project, "SELECT count(*) FROM titles")).toEqual([[2]]);
  });

  it.each([
    ["string", "boolean", ["true", "x"], [true, undefined]],
    ["boolean", "string", [true, false], ["true", "false"]],
    ["number", "integer", [3, 3.5], [3, undefined]],
    ["string", "number", ["2.5", "0x10"], [2.5, undefined]],
    ["string", "array", ["a", 'b"'], ["a", 'b"']],
    ["integer", "array", [7], [7]],
    ["boolean", "array", [true], [true]],
  ])("turns values of type %s into %s where there are such", async (from, to, values, expected) => {
    await put({ n: { type: "integer" }, v: { type: from } });
    for (const [n, v] of values.entries()) await test.items.create(project, "todos", { n, v }, TRUSTED);
    await put({ n: { type: "integer" }, v: { type: to } }, {}, LOSE);
    const { items } = await test.items.list(project, "todos", { limit: 10, sort: "n" }, TRUSTED);
    expect(items.map(({ v }) => v)).toEqual(expected);
  });

  it("changes whole or not at all: a view of others that needs a field keeps it", async () => {
    await put({ title: TEXT, old: TEXT });
    await test.sql(project, "CREATE VIEW olds AS SELECT old FROM todos");
    const error = await failureOf(put({ title: TEXT, added: TEXT }, {}, LOSE));
    expect(error).toMatchObject({ code: "DB_QUERY_FAILED", message: expect.stringContaining("olds") });
    expect(await columnsInPlace()).toContain("old TEXT");
    expect(await columnsInPlace()).not.toContain("added TEXT");
    expect((await test.service.require(project, "todos")).version).toBe(1);
  });

  it("has the indexes that it asks for, unique ones too, and the one by which owners find their own", async () => {
    await put(
      { mail: TEXT, size: TEXT },
      { indexes: [{ fields: ["mail"], unique: true }, { fields: ["size", "mail"] }] },
    );
    expect(await indexesInPlace()).toEqual(["todos__mail__unique", "todos__size__mail"]);
    await put({ mail: TEXT, size: TEXT }, { indexes: [{ fields: ["mail"] }], rules: { list: "owner" } });
    expect(await indexesInPlace()).toEqual(["todos__mail", "todos__owner_id__id"]);
    await test.sql(project, "INSERT INTO todos (mail) VALUES ('a'), ('a')");
    const error = await failureOf(put({ mail: TEXT, size: TEXT }, { indexes: [{ fields: ["mail"], unique: true }] }));
    expect(error).toMatchObject({ code: "CONFLICT", message: expect.stringContaining("todos.mail") });
    expect(await indexesInPlace()).toEqual(["todos__mail", "todos__owner_id__id"]);
  });

  it("that is pushed as it is changes nothing", async () => {
    const first = await put({ title: TEXT });
    const again = await put({ title: TEXT });
    expect(again).toMatchObject({ created: false, changes: [], collection: { version: 1, id: first.collection.id } });
  });

  it("repairs its table when somebody changed it by hand", async () => {
    await put({ title: TEXT, size: TEXT });
    await test.sql(project, "ALTER TABLE todos DROP COLUMN size");
    expect(await failureOf(test.items.list(project, "todos", { limit: 5 }, TRUSTED))).toMatchObject({
      code: "CONFLICT",
      fix: expect.stringContaining("Push"),
    });
    expect((await put({ title: TEXT, size: TEXT })).changes).toEqual([{ what: "add column size", destructive: false }]);
    await test.sql(project, "DROP TABLE todos");
    await put({ title: TEXT, size: TEXT });
    expect((await test.items.list(project, "todos", { limit: 5 }, TRUSTED)).items).toEqual([]);
  });

  it("does not take over a table that is none", async () => {
    await test.sql(project, "CREATE TABLE todos (a)");
    expect(await failureOf(put({ title: TEXT }))).toMatchObject({ code: "CONFLICT" });
    expect(await test.sql(project, "SELECT name FROM pragma_table_info('todos')")).toEqual([["a"]]);
  });

  it("changed by two at the same time is changed by one of them", async () => {
    await put({ title: TEXT });
    const outcomes = await Promise.allSettled(["a", "b", "c"].map((field) => put({ title: TEXT, [field]: TEXT })));
    const failed = outcomes.filter((outcome) => outcome.status === "rejected");
    for (const { reason } of failed) expect(reason).toMatchObject({ code: "CONFLICT" });
    const { columns, version } = await test.service.require(project, "todos");
    expect(version).toBe(1 + outcomes.length - failed.length);
    const inPlace = (await columnsInPlace()).map((column) => column.split(" ")[0]);
    expect(inPlace).toEqual(expect.arrayContaining([...columns.keys()]));
  });

  it("is deleted with its table, and another of its name starts afresh", async () => {
    await put({ title: TEXT });
    await test.service.delete(project, "todos");
    expect(await test.service.list(project)).toEqual([]);
    expect(await test.sql(project, "SELECT name FROM sqlite_schema WHERE name LIKE 'todos%'")).toEqual([]);
    expect(await failureOf(test.service.delete(project, "todos"))).toMatchObject({ code: "NOT_FOUND" });
    expect((await put({ other: TEXT })).created).toBe(true);
  });

  it("whose stored definition is not valid any more can be pushed anew", async () => {
    await put({ title: TEXT });
    await test.databases.query(
      mainDatabase(project),
      {
        sql: `UPDATE aerostack_collections SET definition = '{"schema":{"type":"object","properties":{"a":{"$ref":"http://x"}}}}'`,
      },
      "platform",
    );
    test.catalog.changed(project);
    expect(await failureOf(test.items.list(project, "todos", { limit: 5 }, TRUSTED))).toMatchObject({
      code: "CONFLICT",
    });
    await put({ title: TEXT }, {}, LOSE);
    expect((await test.items.list(project, "todos", { limit: 5 }, TRUSTED)).items).toEqual([]);
  });

  it("of one project is unknown to another, and a change of rules is in force at once", async () => {
    await put({ title: TEXT });
    const definition = (await test.service.require(project, "todos")).definition;
    const rules = { ...definition.rules, list: "public" };
    const nobody = { isTrusted: false, user: null };
    expect(await failureOf(test.items.list(project, "todos", { limit: 5 }, nobody))).toMatchObject({
      code: "FORBIDDEN",
    });
    await test.service.setRules(project, "todos", rules);
    expect((await test.items.list(project, "todos", { limit: 5 }, nobody)).items).toEqual([]);
    expect(await failureOf(test.items.list("prj_other", "todos", { limit: 5 }, TRUSTED))).toMatchObject({
      code: "NOT_FOUND",
    });
  });

  it("changed on another server is known within a second, also when the word of it was lost", async () => {
    await put({ title: TEXT }, { rules: { list: "public" } });
    const other = createCatalog({
      store: test.store,
      schemas: createSchemaCompiler(),
      clock: test.clock,
      bus: createMemoryBus(),
    });
    expect((await other.find(project, "todos"))?.definition.rules.list).toBe("public");
    await put({ title: TEXT }, { rules: { list: "none" } });
    test.clock.advance(1_000);
    expect((await other.find(project, "todos"))?.definition.rules.list).toBe("none");
    await test.service.delete(project, "todos");
    test.clock.advance(1_000);
    expect(await other.find(project, "todos")).toBeUndefined();
  });

  it("is defined at most so often a minute", async () => {
    const attempts = Array.from({ length: 130 }, () =>
      put({ title: TEXT }, {}, { allowDestructive: false, dryRun: true }),
    );
    const outcomes = await Promise.allSettled(attempts);
    const refused = outcomes.filter((outcome) => outcome.status === "rejected");
    expect(refused).toHaveLength(10);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: "RATE_LIMIT_EXCEEDED" });
  });
});
