import type { CollectionRules } from "@aerostack/contracts";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createSeededRandom } from "../../../../../e2e/harness/seeded-random.ts";
import {
  definitionOf,
  failureOf,
  NOBODY,
  startTestCollections,
  type TestCollections,
  TRUSTED,
  userCaller,
} from "../testing.ts";
import type { ItemCaller } from "./caller.ts";
import type { ListParameters } from "./list-query.ts";

const ALICE = userCaller("usr_a", { email: "alice@example.com", roles: ["editor"], teams: ["red"] });
const BOB = userCaller("usr_b", { email: "bob@example.com", roles: [] });
const SCHEMA = {
  type: "object",
  required: ["title"],
  properties: {
    title: { type: "string", minLength: 1, maxLength: 100 },
    done: { type: "boolean", default: false },
    priority: { type: ["integer", "null"] },
    price: { type: "number" },
    team: { type: "string" },
    tags: { type: "array", items: { type: "string" } },
  },
};

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

async function define(rules: Partial<CollectionRules>, indexes: { fields: string[]; unique: boolean }[] = []) {
  const definition = definitionOf({ schema: SCHEMA, rules, indexes });
  await test.service.put(project, "todos", definition, { allowDestructive: false, dryRun: false });
}

/** A moment later than the one before, so that ids sort by it. */
function create(body: Record<string, unknown>, caller: ItemCaller = TRUSTED) {
  test.clock.advance(1);
  return test.items.create(project, "todos", body, caller);
}
const at = (id: string, collection: string | null = null) => ({ projectId: project, collection, id });
const list = (parameters: Partial<ListParameters> = {}, caller: ItemCaller = TRUSTED) =>
  test.items.list(project, "todos", { limit: 50, ...parameters }, caller);
const titles = async (parameters: Partial<ListParameters> = {}, caller: ItemCaller = TRUSTED) =>
  (await list(parameters, caller)).items.map(({ title }) => title);

describe("access", () => {
  it("is closed to everybody but a secret key until a rule opens it", async () => {
    await define({});
    const { id } = await create({ title: "a" });
    for (const caller of [NOBODY, ALICE]) {
      expect(await failureOf(list({}, caller))).toMatchObject({ code: "FORBIDDEN" });
      expect(await failureOf(create({ title: "b" }, caller))).toMatchObject({ code: "FORBIDDEN" });
      expect(await failureOf(test.items.get(at(id), caller))).toMatchObject({ code: "NOT_FOUND" });
      expect(await failureOf(test.items.update(at(id), { title: "b" }, caller))).toMatchObject({ code: "NOT_FOUND" });
      expect(await failureOf(test.items.remove(at(id), caller))).toMatchObject({ code: "NOT_FOUND" });
    }
    expect(await test.items.get(at(id), TRUSTED)).toMatchObject({ title: "a" });
  });

  it("of owners: each sees, changes and deletes what is theirs, and the rest is not there", async () => {
    await define({ list: "owner", get: "owner", create: "signed-in", update: "owner", delete: "owner" });
    expect(await failureOf(create({ title: "x" }, NOBODY))).toMatchObject({ code: "AUTH_TOKEN_INVALID" });
    expect(await failureOf(list({}, NOBODY))).toMatchObject({ code: "AUTH_TOKEN_INVALID" });
    const mine = await create({ title: "mine" }, ALICE);
    const theirs = await create({ title: "theirs" }, BOB);
    expect(mine.owner_id).toBe("usr_a");
    expect(await titles({}, ALICE)).toEqual(["mine"]);
    expect((await list({ count: "true" }, ALICE)).total).toBe(1);
    const missing = await failureOf(test.items.get(at(`${theirs.id}x`), ALICE));
    for (const work of [
      test.items.get(at(theirs.id), ALICE),
      test.items.get(at(theirs.id, "todos"), ALICE),
      test.items.update(at(theirs.id), { title: "stolen" }, ALICE),
      test.items.update(at(theirs.id), { title: 7, nonsense: true }, ALICE),
      test.items.remove(at(theirs.id), ALICE),
    ]) {
      expect((await failureOf(work)).toSerialised()).toEqual(missing.toSerialised());
    }
    expect(await test.items.get(at(theirs.id), BOB)).toEqual(theirs);
    await test.items.remove(at(mine.id), ALICE);
    expect(await titles()).toEqual(["theirs"]);
  });

  it("tells somebody who may read an item that changing it is not allowed", async () => {
    await define({ get: "public", update: "owner", delete: "owner" });
    const { id } = await create({ title: "a", owner_id: "usr_a" });
    expect(await failureOf(test.items.update(at(id), { title: "b" }, BOB))).toMatchObject({ code: "FORBIDDEN" });
    expect(await failureOf(test.items.remove(at(id), NOBODY))).toMatchObject({ code: "AUTH_TOKEN_INVALID" });
    expect((await test.items.update(at(id), { title: "b" }, ALICE)).title).toBe("b");
  });

  it("by expression looks at the row, at what it becomes and at the user", async () => {
    await define({
      list: "row.done || row.team in user.teams",
      create: "'editor' in user.roles && new.priority < 10",
      update: "row.team in user.teams && new.team == row.team",
    });
    expect(await failureOf(create({ title: "a", priority: 1 }, BOB))).toMatchObject({ code: "FORBIDDEN" });
    expect(await failureOf(create({ title: "a", priority: 10 }, ALICE))).toMatchObject({ code: "FORBIDDEN" });
    const red = await create({ title: "red", team: "red", priority: 1 }, ALICE);
    const blue = await create({ title: "blue", team: "blue" });
    await create({ title: "done", team: "blue", done: true });
    expect(await titles({}, ALICE)).toEqual(["red", "done"]);
    expect(await titles({}, NOBODY)).toEqual(["done"]);
    await test.items.update(at(red.id), { title: "red 2" }, ALICE);
    expect(await failureOf(test.items.update(at(red.id), { team: "blue" }, ALICE))).toMatchObject({
      code: "FORBIDDEN",
    });
    expect(await failureOf(test.items.update(at(blue.id), { team: "red" }, ALICE))).toMatchObject({
      code: "NOT_FOUND",
    });
  });

  it("is judged again where the row is written: a row given away meanwhile is not changed", async () => {
    await define({ get: "public", update: "owner", delete: "owner" });
    const { id } = await create({ title: "a", owner_id: "usr_a" });
    const { databases } = test;
    const query = databases.query;
    let raced = false;
    // Between judgement and change a function gives the row to somebody else, and leaves its time of change alone.
    databases.query = async (address, statement, mode) => {
      if (!raced && /^(?:UPDATE|DELETE)/.test(statement.sql)) {
        raced = true;
        await query(address, { sql: "UPDATE todos SET owner_id = 'usr_b' WHERE id = ?", params: [id] }, "full");
      }
      return await query(address, statement, mode);
    };
    try {
      expect(await failureOf(test.items.update(at(id), { title: "b" }, ALICE))).toMatchObject({ code: "FORBIDDEN" });
      raced = false;
      await query({ projectId: project, database: "main" }, { sql: "UPDATE todos SET owner_id = 'usr_a'" }, "full");
      expect(await failureOf(test.items.remove(at(id), ALICE))).toMatchObject({ code: "FORBIDDEN" });
    } finally {
      databases.query = query;
    }
    expect(await titles()).toEqual(["a"]);
  });

  it("by a rule over many fields lets an item of many fields be changed in one statement", async () => {
    const properties = Object.fromEntries(
      Array.from({ length: 60 }, (_, n) => [`f${n}`, { type: ["integer", "null"] }]),
    );
    const update = Array.from({ length: 15 }, (_, n) => `row.f${n} == null`).join(" && ");
    const definition = definitionOf({ schema: { type: "object", properties }, rules: { update } });
    await test.service.put(project, "wide", definition, { allowDestructive: false, dryRun: false });
    const { id } = await test.items.create(project, "wide", {}, TRUSTED);
    const all = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`f${n}`, n]));
    expect(await test.items.update(at(id), all, ALICE)).toMatchObject(all);
  });

  it("to rows for those who hear of changes is what the rule for list says", async () => {
    await define({ list: "row.done || row.owner_id == user.id" });
    const row = (done: number, owner: string | null) => ({ id: "x", done, owner_id: owner, title: "t" });
    const mayRead = (done: number, owner: string | null, caller: ItemCaller) =>
      test.items.mayRead(project, { table: "todos", row: row(done, owner), unknown: [] }, caller.user);
    expect(await mayRead(1, null, NOBODY)).toBe(true);
    expect(await mayRead(0, "usr_a", ALICE)).toBe(true);
    expect(await mayRead(0, "usr_a", BOB)).toBe(false);
    expect(await mayRead(0, null, NOBODY)).toBe(false);
    // What is in a column that was too large to be told is not known.
    const untold = (unknown: string[]) =>
      test.items.mayRead(project, { table: "todos", row: row(1, null), unknown }, null);
    expect([await untold(["title"]), await untold(["owner_id"])]).toEqual([true, false]);
    expect(await test.items.mayRead(project, { table: "no_collection", row: {}, unknown: [] }, null)).toBe(false);
  });
});

describe("items", () => {
  it("have the defaults of their schema, and what is left out is not there", async () => {
    await define({});
    const item = await create({ title: "a" });
    expect(item).toEqual({
      id: expect.stringMatching(/^todos_[0-9a-z]{26}$/),
      owner_id: null,
      created_at: new Date(test.clock.now()).toISOString(),
      updated_at: item.created_at,
      title: "a",
      done: false,
      priority: null,
    });
    expect(await test.items.get(at(item.id), TRUSTED)).toEqual(item);
    expect((await list()).items).toEqual([item]);
  });

  it("come back as they were stored, whatever is in them", async () => {
    await define({});
    const random = createSeededRandom(7);
    const text = () => String.fromCodePoint(...Array.from({ length: 8 }, () => random.between(1, 0xd7ff)));
    for (let n = 0; n < 50; n++) {
      const body = {
        title: text(),
        done: random.next() < 0.5,
        priority: random.pick([null, 0, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]),
        price: random.pick([0.1, -1e-300, 1e300, 5]),
        tags: [text(), "'); DROP TABLE todos; --"],
      };
      const item = await create(body);
      expect(await test.items.get(at(item.id), TRUSTED)).toEqual({ ...item, ...body });
    }
  });

  it("are told by field what is wrong with them", async () => {
    await define({});
    const errorsOf = async (body: Record<string, unknown>) => (await failureOf(create(body))).details?.fieldErrors;
    expect(await errorsOf({ done: "yes", more: 1 })).toEqual({
      title: ["is required"],
      done: ["must be boolean"],
      more: ["is not a field of the schema"],
    });
    expect(await errorsOf({ title: null })).toEqual({ title: ["is required"] });
    expect(await errorsOf({ title: "a", id: "mine" })).toEqual({ id: ["is given by the platform"] });
    expect(await errorsOf({ title: "a", priority: 2 ** 60 })).toEqual({ priority: [expect.stringContaining("2^53")] });
    expect(await errorsOf({ title: "a", tags: ["a", 1] })).toEqual({ "tags.1": ["must be string"] });
  });

  it("change in the fields that are sent, and are later than before each time", async () => {
    await define({});
    const before = await create({ title: "a", price: 1, tags: ["x"] });
    const after = await test.items.update(at(before.id), { title: "b", price: null, priority: 3 }, TRUSTED);
    const { price: _price, ...rest } = before;
    expect(after).toEqual({ ...rest, title: "b", priority: 3, updated_at: after.updated_at });
    expect(String(after.updated_at) > String(before.updated_at)).toBe(true);
    expect(await test.items.get(at(before.id), TRUSTED)).toEqual(after);
    // Sent back whole, as it was read.
    expect(await test.items.update(at(before.id), { ...before, title: "c" }, TRUSTED)).toMatchObject({ title: "c" });
    expect(await failureOf(test.items.update(at(before.id), { title: null }, TRUSTED))).toMatchObject({
      details: { fieldErrors: { title: ["is required"] } },
    });
    expect(await failureOf(test.items.update(at(before.id), { created_at: "x" }, TRUSTED))).toMatchObject({
      details: { fieldErrors: { created_at: ["cannot be changed"] } },
    });
  });

  it("keep every change of fields that many change at once", async () => {
    await define({});
    const { id } = await create({ title: "a" });
    const changes = [{ title: "b" }, { price: 2 }, { priority: 3 }, { team: "t" }];
    await Promise.all(changes.map((change) => test.items.update(at(id), change, TRUSTED)));
    expect(await test.items.get(at(id), TRUSTED)).toMatchObject(Object.assign({}, ...changes));
  });

  it("are given to somebody else by a secret key only", async () => {
    await define({ create: "signed-in", get: "public", update: "signed-in" });
    expect(await failureOf(create({ title: "a", owner_id: "usr_b" }, ALICE))).toMatchObject({
      details: { fieldErrors: { owner_id: ["can be set with a secret key only"] } },
    });
    const { id } = await create({ title: "a", owner_id: "usr_a" }, ALICE);
    expect(await failureOf(test.items.update(at(id), { owner_id: "usr_b" }, ALICE))).toMatchObject({
      code: "VALIDATION_ERROR",
    });
    expect(await test.items.update(at(id), { owner_id: "usr_b" }, TRUSTED)).toMatchObject({ owner_id: "usr_b" });
    expect(await create({ title: "b" }, { isTrusted: true, user: ALICE.user })).toMatchObject({ owner_id: "usr_a" });
  });

  it("with a value that has to be unique are refused a second time, by field", async () => {
    await define({}, [{ fields: ["team", "title"], unique: true }]);
    await create({ title: "a", team: "x" });
    const { id } = await create({ title: "b", team: "x" });
    const taken = { code: "CONFLICT", details: { fieldErrors: { team: ["is taken"], title: ["is taken"] } } };
    expect(await failureOf(create({ title: "a", team: "x" }))).toMatchObject(taken);
    expect(await failureOf(test.items.update(at(id), { title: "a" }, TRUSTED))).toMatchObject(taken);
  });

  it("that SQL inserted are found by their ids alone, unless two collections have them", async () => {
    await define({});
    const other = definitionOf({ schema: SCHEMA });
    await test.service.put(project, "others", other, { allowDestructive: false, dryRun: false });
    await test.sql(project, "INSERT INTO others (id, title) VALUES ('7', 'seven'), ('both', 'o')");
    await test.sql(project, "INSERT INTO todos (id, title) VALUES ('both', 't'), ('others_x', 'misnamed')");
    expect(await test.items.get(at("7"), TRUSTED)).toMatchObject({ title: "seven" });
    expect(await test.items.get(at("others_x"), TRUSTED)).toMatchObject({ title: "misnamed" });
    expect(await failureOf(test.items.get(at("both"), TRUSTED))).toMatchObject({ code: "NOT_FOUND" });
    expect(await test.items.get(at("both", "todos"), TRUSTED)).toMatchObject({ title: "t" });
    expect(await failureOf(test.items.get(at("7", "todos"), TRUSTED))).toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("items that are created with a key", () => {
  const once = (body: Record<string, unknown>, key: string, caller: ItemCaller = TRUSTED) =>
    test.items.createOnce(project, "todos", body, caller, key);
  const DAY_MS = 24 * 60 * 60_000;

  it("are created once: repeats answer what the first call answered, also after the item has changed or gone", async () => {
    await define({});
    const first = await once({ title: "a" }, "k");
    expect(first).toMatchObject({ isRepeat: false, item: { title: "a" } });
    test.clock.advance(1_000);
    expect(await once({ title: "a" }, "k")).toEqual({ item: first.item, isRepeat: true });
    await test.items.update(at(first.item.id), { title: "changed" }, TRUSTED);
    expect((await once({ title: "a" }, "k")).item).toEqual(first.item);
    await test.items.remove(at(first.item.id), TRUSTED);
    expect((await once({ title: "a" }, "k")).item).toEqual(first.item);
    expect(await titles()).toEqual([]);
    expect((await once({ title: "a" }, "k2")).isRepeat).toBe(false);
  });

  it("are one where many calls with a key arrive at once", async () => {
    await define({});
    const created = await Promise.all(Array.from({ length: 12 }, () => once({ title: "a" }, "k")));
    expect(new Set(created.map(({ item }) => item.id)).size).toBe(1);
    expect(created.filter(({ isRepeat }) => !isRepeat)).toHaveLength(1);
    expect(await titles()).toEqual(["a"]);
  });

  it("are refused where the key came with another body, and nothing is stored", async () => {
    await define({});
    await once({ title: "a" }, "k");
    expect(await failureOf(once({ title: "b" }, "k"))).toMatchObject({ code: "IDEMPOTENCY_KEY_REUSED", status: 422 });
    expect(await titles()).toEqual(["a"]);
  });

  it("leave the key free where they were refused: both are stored or none", async () => {
    await define({ create: "new.title != 'no'" }, [{ fields: ["title"], unique: true }]);
    await create({ title: "taken" });
    expect(await failureOf(once({ title: 7 }, "k"))).toMatchObject({ code: "VALIDATION_ERROR" });
    expect(await failureOf(once({ title: "no" }, "k", ALICE))).toMatchObject({ code: "FORBIDDEN" });
    expect(await failureOf(once({ title: "taken" }, "k"))).toMatchObject({
      code: "CONFLICT",
      details: { fieldErrors: { title: ["is taken"] } },
    });
    expect((await once({ title: "free" }, "k")).isRepeat).toBe(false);
    expect((await titles()).toSorted()).toEqual(["free", "taken"]);
  });

  it("have a key of their caller and collection: another's is another", async () => {
    await define({ create: "signed-in" });
    await test.service.put(project, "others", definitionOf({ schema: SCHEMA }), {
      allowDestructive: false,
      dryRun: false,
    });
    for (const caller of [TRUSTED, ALICE, BOB]) expect((await once({ title: "a" }, "k", caller)).isRepeat).toBe(false);
    expect((await test.items.createOnce(project, "others", { title: "a" }, TRUSTED, "k")).isRepeat).toBe(false);
    const owners = (await list()).items.map(({ owner_id }) => String(owner_id));
    expect(owners.toSorted()).toEqual(["null", "usr_a", "usr_b"]);
  });

  it("are new again after a day, and what is older goes", async () => {
    await define({});
    await once({ title: "a" }, "k");
    for (let n = 0; n < 5; n++) await once({ title: `x${n}` }, `x${n}`);
    test.clock.advance(DAY_MS);
    expect((await once({ title: "a" }, "k")).isRepeat).toBe(true);
    test.clock.advance(1);
    expect((await once({ title: "b" }, "k")).isRepeat).toBe(false);
    expect(await test.sql(project, "SELECT count(*) FROM aerostack_idempotent_items")).toEqual([[1]]);
  });

  it("are remembered in a table that no SQL of others writes", async () => {
    await define({});
    await once({ title: "a" }, "k");
    const forged = test.sql(project, "DELETE FROM aerostack_idempotent_items");
    expect(await failureOf(forged)).toMatchObject({ code: "DB_STATEMENT_REFUSED" });
  });
});

describe("lists", () => {
  beforeEach(async () => {
    await define({});
    const rows = [
      { title: "a", priority: 1, done: true, price: 2.5, team: "red", tags: ["x", "y"] },
      { title: "b", priority: 2, team: "red", tags: ["y"] },
      { title: "c", priority: null, team: "blue", price: 1 },
      { title: "50%_C", priority: 10, done: true },
    ];
    for (const row of rows) {
      await create(row);
      test.clock.advance(1);
    }
  });

  it.each<[Partial<ListParameters>, string[]]>([
    [{}, ["a", "b", "c", "50%_C"]],
    [{ title: "a" }, ["a"]],
    [{ done: "false" }, ["b", "c"]],
    [{ "priority[gt]": "1" }, ["b", "50%_C"]],
    [{ "priority[gte]": "1", "priority[lt]": "10" }, ["a", "b"]],
    [{ "priority[ne]": "2" }, ["a", "c", "50%_C"]],
    [{ "priority[null]": "true" }, ["c"]],
    [{ priority: "null" }, ["c"]],
    [{ "priority[null]": "false" }, ["a", "b", "50%_C"]],
    [{ "team[in]": "blue,green" }, ["c"]],
    [{ "team[nin]": "blue" }, ["a", "b", "50%_C"]],
    [{ "title[contains]": "%_" }, ["50%_C"]],
    [{ "title[startsWith]": "5" }, ["50%_C"]],
    [{ "tags[has]": "y" }, ["a", "b"]],
    [{ "tags[null]": "true" }, ["c", "50%_C"]],
    [{ filter: '{"team":"red","priority":{"gt":1}}' }, ["b"]],
    [{ filter: '{"or":[{"title":"a"},{"price":{"lte":1}}]}' }, ["a", "c"]],
    [{ filter: '{"not":{"team":["red","blue"]}}' }, ["50%_C"]],
    [{ filter: '{"and":[{"not":{"priority":null}},{"done":true}]}', "title[ne]": "a" }, ["50%_C"]],
    [{ apiKey: "sk_x" }, ["a", "b", "c", "50%_C"]],
    [{ "id[null]": "true" }, []],
  ])("filtered by %j are %j", async (parameters, expected) => {
    expect(await titles(parameters)).toEqual(expected);
    expect((await list({ ...parameters, count: "true", limit: 1 })).total).toBe(expected.length);
  });

  it.each<[Partial<ListParameters>, string]>([
    [{ nope: "1" }, "nope"],
    [{ "title'--": "1" }, "title'--"],
    [{ "title[like]": "%" }, "title"],
    [{ "priority[gt]": "many" }, "priority"],
    [{ done: "perhaps" }, "done"],
    [{ tags: "x" }, "tags"],
    [{ "team[has]": "x" }, "team"],
    [{ "done[gt]": "true" }, "done"],
    [{ filter: "{" }, "filter"],
    [{ filter: "[]" }, "filter"],
    [{ filter: '{"nope":1}' }, "nope"],
    [{ filter: '{"title":1}' }, "title"],
    [{ filter: '{"title":{"eq":{"a":1}}}' }, "title"],
    [{ filter: '{"or":{"title":"a"}}' }, "filter"],
    [{ filter: `${'{"not":'.repeat(10)}{}${"}".repeat(10)}` }, "filter"],
    [{ filter: JSON.stringify({ or: Array.from({ length: 41 }, () => ({ title: "a" })) }) }, "title"],
    [{ filter: JSON.stringify({ title: Array.from({ length: 101 }, String) }) }, "title"],
    [{ sort: "nope" }, "sort"],
    [{ sort: "title; DROP TABLE todos" }, "sort"],
    [{ sort: "tags" }, "sort"],
    [{ sort: "title,done,priority,price,team" }, "sort"],
    [{ fields: "title,nope" }, "fields"],
    [{ cursor: "abc" }, "cursor"],
    [{ cursor: Buffer.from('["id",{"a":1}]').toString("base64url") }, "cursor"],
    [{ cursor: Buffer.from('["-id","x"]').toString("base64url") }, "cursor"],
  ])("asked for by %j are refused, and %s is named", async (parameters, field) => {
    const error = await failureOf(list(parameters));
    expect(error).toMatchObject({ code: "VALIDATION_ERROR" });
    expect(Object.keys(error.details?.fieldErrors as object)).toEqual([field]);
  });

  it("are sorted, nulls first or last", async () => {
    expect(await titles({ sort: "priority" })).toEqual(["c", "a", "b", "50%_C"]);
    expect(await titles({ sort: "-priority" })).toEqual(["50%_C", "b", "a", "c"]);
    expect(await titles({ sort: "team,-title" })).toEqual(["50%_C", "c", "b", "a"]);
    expect(await titles({ sort: "-created_at" })).toEqual(["50%_C", "c", "b", "a"]);
  });

  it("show the fields that are asked for, and the id", async () => {
    const { items } = await list({ fields: "title, priority", title: "b" });
    expect(items).toEqual([{ id: expect.any(String), title: "b", priority: 2 }]);
  });
});

describe("lists of items with objects", () => {
  const schema = {
    type: "object",
    $defs: { person: { type: "object", properties: { id: { type: "string" }, age: { type: ["integer", "null"] } } } },
    properties: {
      name: { type: "string" },
      data: {
        type: "object",
        properties: { owner: { $ref: "#/$defs/person" }, tags: { type: "array" }, ok: { type: "boolean" } },
      },
      free: { type: "object" },
    },
  };
  beforeEach(async () => {
    const rules = { list: "row.data.owner.id == user.id || user.id in row.free.members" };
    await test.service.put(project, "todos", definitionOf({ schema, rules }), {
      allowDestructive: false,
      dryRun: false,
    });
    const rows = [
      { name: "a", data: { owner: { id: "usr_a", age: 7 }, tags: ["x", 7], ok: true }, free: { zip: "07", n: 1 } },
      { name: "b", data: { owner: { id: "usr_b", age: null } }, free: { members: ["usr_a"], zip: 7 } },
      { name: "c", data: {}, free: { deep: { er: { text: "50% off" } } } },
      { name: "d" },
    ];
    for (const row of rows) await create(row);
  });
  const names = async (parameters: Partial<ListParameters>, caller: ItemCaller = TRUSTED) =>
    (await list(parameters, caller)).items.map(({ name }) => name);

  it("hold what the rule lets a user see by values within the objects", async () => {
    expect(await names({}, ALICE)).toEqual(["a", "b"]);
    expect(await names({}, BOB)).toEqual(["b"]);
    expect(await names({ "data.owner.age": "7" }, BOB)).toEqual([]);
  });

  it.each<[Partial<ListParameters>, string[]]>([
    [{ "data.owner.id": "usr_a" }, ["a"]],
    [{ "data.owner.id[ne]": "usr_a" }, ["b", "c", "d"]],
    [{ "data.owner.age[gte]": "7" }, ["a"]],
    [{ "data.owner.age[null]": "true" }, ["b", "c", "d"]],
    [{ "data.owner.id[in]": "usr_b,usr_c" }, ["b"]],
    [{ "data.owner[null]": "false" }, ["a", "b"]],
    [{ "data.tags[has]": "7" }, ["a"]],
    [{ "data.ok": "true" }, ["a"]],
    [{ "free.zip": "7" }, ["b"]],
    [{ "free.zip": "07" }, ["a"]],
    [{ "free.members[has]": "usr_a" }, ["b"]],
    [{ "free.deep.er.text[contains]": "% o" }, ["c"]],
    [{ "free.deep.er.text[startsWith]": "50" }, ["c"]],
    [{ "free.n[lt]": "2" }, ["a"]],
    [{ filter: '{"or":[{"free.zip":["07",7]},{"not":{"data.owner.id":{"null":true}}}]}' }, ["a", "b"]],
    [{ filter: '{"free.zip":"7"}' }, []],
    [{ filter: '{"free.__proto__.polluted":null}' }, ["a", "b", "c", "d"]],
  ])("filtered by %j are %j", async (parameters, expected) => {
    expect(await names(parameters)).toEqual(expected);
  });

  it.each<[Partial<ListParameters>, string]>([
    [{ "data.owner.name": "x" }, "data.owner.name"],
    [{ "name.x": "1" }, "name.x"],
    [{ "data.": "1" }, "data."],
    [{ "data..id": "1" }, "data..id"],
    [{ "data.owner": "x" }, "data.owner"],
    [{ "data.owner.id[has]": "x" }, "data.owner.id"],
    [{ "data.ok[gt]": "true" }, "data.ok"],
    [{ "free.a') OR 1=1 --": "1" }, "free.a') OR 1=1 --"],
    [{ filter: `{"free.a') OR ('1":1}` }, "free.a') OR ('1"],
    [{ filter: '{"free.a\\"b":1}' }, 'free.a"b'],
    [{ filter: '{"free.a\\u0000":1}' }, "free.a\u0000"],
    [{ "free.a.b.c.d.e.f.g.h.i": "1" }, "free.a.b.c.d.e.f.g.h.i"],
    [{ filter: JSON.stringify({ or: Array.from({ length: 31 }, () => ({ "free.a.b": 1 })) }) }, "free.a.b"],
    [{ filter: '{"free.zip":{"gt":true}}' }, "free.zip"],
    [{ filter: '{"free.zip":{"eq":{"a":1}}}' }, "free.zip"],
    [{ filter: '{"data.owner.age":"7"}' }, "data.owner.age"],
  ])("asked for by %j are refused, and %s is named", async (parameters, field) => {
    const error = await failureOf(list(parameters));
    expect(error).toMatchObject({ code: "VALIDATION_ERROR" });
    expect(Object.keys(error.details?.fieldErrors as object)).toEqual([field]);
  });

  it("are answered for the longest paths that a rule and a filter may have, within what a statement may hold", async () => {
    const path = Array.from({ length: 6 }, (_, n) => `n${n}`).join(".");
    const rule = Array.from({ length: 5 }, () => `row.free.${path} == row.free.${path}`).join("||");
    await test.service.put(project, "todos", definitionOf({ schema, rules: { list: `${rule}||user!=null` } }), {
      allowDestructive: false,
      dryRun: false,
    });
    const filter = JSON.stringify({
      and: Array.from({ length: 10 }, () => ({ not: { [`free.${path}`]: ["a", 1, true] } })),
    });
    expect(await names({ filter }, ALICE)).toEqual(["a", "b", "c", "d"]);
  });
});

it("rules about fields that are called as SQLite calls parts of JSON look at the fields", async () => {
  const schema = { type: "object", properties: { value: {}, type: { type: "string" }, key: { type: "string" } } };
  const rules = { list: "row.type in row.value || row.id in row.value || row.key in row.value.list" };
  await test.service.put(project, "todos", definitionOf({ schema, rules }), { allowDestructive: false, dryRun: false });
  await create({ value: ["here"], type: "here" });
  await create({ value: ["text", 1, 2], type: "gone" });
  await create({ value: { list: ["k"] }, key: "k", type: "listed" });
  expect((await list({}, NOBODY)).items.map(({ type }) => type)).toEqual(["here", "listed"]);
});

it("pages show every item once in every order, also while others are added and removed", async () => {
  await define({ list: "row.done" });
  const random = createSeededRandom(11);
  const stay = new Set<string>();
  for (let n = 0; n < 60; n++) {
    const done = random.next() < 0.7;
    const title = `t${random.between(0, 5)}`;
    const { id } = await create({ title, done, priority: random.pick([null, 1, 2, 3]) });
    if (done) stay.add(id);
  }
  for (const sort of [undefined, "priority", "-priority,title", "title,-priority", "-created_at", "-id"]) {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await list({ limit: 7, sort, cursor }, NOBODY);
      seen.push(...page.items.map(({ id }) => id));
      const passing = await create({ title: "t3", done: false });
      await test.items.remove(at(passing.id), TRUSTED);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(new Set(seen)).toEqual(stay);
    expect(seen).toHaveLength(stay.size);
  }
});

it("rules with long lists of the user's stay within what a statement may bind", async () => {
  await define({ list: "row.team in user.teams && row.title in user.titles" });
  await create({ title: "a", team: "t7" });
  const many = Array.from({ length: 500 }, (_, n) => `t${n}`);
  expect(await titles({}, userCaller("u", { teams: many, titles: ["a", ...many] }))).toEqual(["a"]);
});
