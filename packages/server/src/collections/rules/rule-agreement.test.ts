import { afterAll, beforeAll, expect, it } from "vitest";
import { createSeededRandom } from "../../../../../e2e/harness/seeded-random.ts";
import { startTestDatabases } from "../../database/data-host-testing.ts";
import type { SqlParameter } from "../../database/service.ts";
import { mainDatabase } from "../definition-store.ts";
import { ITEM_ALIAS } from "../field-sql.ts";
import { encodeValue, toItem } from "../items/item-codec.ts";
import { quoted, toWhere } from "../sql-condition.ts";
import { createTableSql } from "../table/table-sql.ts";
import { compileProperties } from "../testing.ts";
import { evaluateRule } from "./evaluate-rule.ts";
import { parseRule } from "./parse-rule.ts";
import { ruleToSql } from "./rule-to-sql.ts";

const SEED = Number(process.env.AEROSTACK_TEST_SEED ?? Date.now() % 1_000_000);
const ROWS = 80;
const RULES = 400;
const DATABASE = mainDatabase("prj_rules");

const { columns } = compileProperties({
  text: { type: "string" },
  other: { type: ["string", "null"] },
  whole: { type: "integer" },
  real: { type: "number" },
  flag: { type: "boolean" },
  flag2: { type: "boolean" },
  list: {},
  tags: { type: "array" },
  doc: {
    type: "object",
    required: ["a"],
    properties: {
      a: { type: "string" },
      n: { type: "number" },
      b: { type: "object", properties: { a: { type: ["string", "integer", "null"] }, "a-b": {} } },
      open: true,
      on: { type: "boolean" },
    },
  },
  // As SQLite calls the columns of JSON that it looks into.
  value: { type: "string" },
  type: { type: "string" },
  key: { type: ["string", "null"] },
  atom: { type: "object" },
});
const random = createSeededRandom(SEED);
const { pick, between, next } = random;

const TEXTS = ["", "a", "A", "b", "é", "z", "\uffff", "\u{1f600}", "1", "true", "null", "it's", 'q"', "%", "\n"];
const NUMBERS = [0, -0, 1, -1, 2, 1.5, 0.1, 1e300, 9007199254740991, -2.5, 0.30000000000000004, 5e-324];
/** What only SQL of others stores. */
const RAW = [
  "null",
  " null ",
  '{"a":"a","a":"b"}',
  '{"a":"b","a":{"a":"x"},"a":{"a":"a"}}',
  '{"a":{"b":1},"a":{"a":2}}',
  '{"a":"b","a":null}',
  '{"\\u0061":"a"}',
  '{"a":"\\u0061"}',
  '{"a":9007199254740993}',
  '{"a":-0.0,"b":1e3,"n":1.0}',
  '{"a":18446744073709551617}',
  '"{\\"a\\":\\"a\\"}"',
  '{"a":"{\\"a\\":1}"}',
  '{"a":[{"a":"a"}],"0":"a"}',
  "[]",
];

let test: Awaited<ReturnType<typeof startTestDatabases>>;
let rows: Record<string, SqlParameter>[];

function randomJson(depth: number): unknown {
  const kind = between(0, depth > 1 ? 4 : 6);
  if (kind === 0) return null;
  if (kind === 1) return pick(TEXTS);
  if (kind === 2) return pick(NUMBERS);
  if (kind === 3 || kind === 4) return next() < 0.5;
  if (kind === 5) return { a: randomJson(depth + 1), b: randomJson(depth + 1), "a-b": pick(TEXTS), n: pick(NUMBERS) };
  return Array.from({ length: between(0, 4) }, () => randomJson(depth + 1));
}

function randomRow(id: number): Record<string, unknown> {
  const maybe = (value: unknown) => (next() < 0.25 ? null : value);
  return {
    id: `row_${id}`,
    owner_id: maybe(pick(["u1", "u2"])),
    created_at: "2026-06-01T00:00:00.000Z",
    updated_at: pick(["2026-06-01T00:00:00.000Z", "2026-06-02T00:00:00.000Z"]),
    text: maybe(pick(TEXTS)),
    other: maybe(pick(TEXTS)),
    whole: maybe(pick(NUMBERS.filter(Number.isSafeInteger))),
    real: maybe(pick(NUMBERS)),
    flag: maybe(next() < 0.5),
    flag2: maybe(next() < 0.5),
    list: maybe(randomJson(0)),
    tags: maybe(Array.from({ length: between(0, 5) }, () => randomJson(1))),
    doc: maybe({
      a: maybe(pick(TEXTS)),
      n: maybe(pick(NUMBERS)),
      b: randomJson(0),
      open: randomJson(0),
      on: maybe(next() < 0.5),
    }),
    value: maybe(pick(TEXTS)),
    type: maybe(pick(["text", "a", "array"])),
    key: maybe(pick(TEXTS)),
    atom: maybe({ a: randomJson(1), value: pick(TEXTS) }),
  };
}

function literal(): string {
  const value = pick([pick(TEXTS), pick(NUMBERS), next() < 0.5, null]);
  if (typeof value === "number" && !Number.isInteger(value)) return value.toFixed(2);
  if (typeof value === "number" && !Number.isSafeInteger(value)) return "1.0e300";
  return Object.is(value, -0) ? "0" : JSON.stringify(value);
}

/** As the table stores it. */
function storedRow(id: number): Record<string, SqlParameter> {
  const row = randomRow(id);
  const stored = [...columns.values()].map((column) => [column.name, encodeValue(column, row[column.name])] as const);
  const raw = () => (next() < 0.3 ? pick(RAW) : undefined);
  const [list, doc] = [raw(), raw()];
  return { ...Object.fromEntries(stored), ...(list && { list }), ...(doc && { doc }) };
}

const FIELDS = [
  "text",
  "other",
  "whole",
  "real",
  "flag",
  "flag2",
  "owner_id",
  "updated_at",
  "id",
  "value",
  "type",
  "key",
];
const NESTED = [
  "list.a",
  "list.b",
  "list.a.a",
  "list.a.b.a",
  'list["a-b"]',
  "list.n",
  'list["0"]',
  "doc.a",
  "doc.n",
  "doc.b.a",
  'doc.b["a-b"]',
  "doc.open",
  "doc.open.a",
  "doc.on",
  "atom.a",
  "atom.value",
];
const USER_PATHS = ["user.id", "user.email", "user.roles", "user.deep.x", "user.flag", "user.missing", "user.number"];

function operand(): string {
  return pick([() => `row.${pick(FIELDS)}`, () => `row.${pick(NESTED)}`, literal, () => pick(USER_PATHS)])();
}

function randomRule(depth: number): string {
  if (depth > 0 && next() < 0.55) {
    const operator = pick(["&&", "||"]);
    return `(${randomRule(depth - 1)} ${operator} ${randomRule(depth - 1)})`;
  }
  if (depth > 0 && next() < 0.3) return `!(${randomRule(depth - 1)})`;
  const lists = [
    () => `row.${pick(["list", "tags", "list.a", "list.b.b", "doc.open", "doc.open.a", "atom.a"])}`,
    () => pick(["user.roles", "user.many", "user.id"]),
    () => `[${Array.from({ length: between(0, 14) }, literal).join(", ")}]`,
  ];
  return pick([
    () => `${operand()} ${pick(["==", "!=", "<", "<=", ">", ">="])} ${operand()}`,
    () => `${operand()} ${pick(["==", "!="])} ${operand()}`,
    () => `${operand()} in ${pick(lists)()}`,
    () => `row.${pick(["flag", "flag2", "list.a", "doc.open.b", "doc.on", "atom.a"])}`,
    () => `row.${pick(["list", "doc", "atom.a", "doc.b"])} ${pick(["==", "!="])} null`,
    () => pick(["true", "false", "user != null", "user == null", "user.flag", "row.list == null", "row.tags != null"]),
  ])();
}

const USERS = [
  null,
  { id: "u1", email: "a@example.com", roles: ["a", 1, true, null], flag: true, deep: { x: "b" }, number: 1.5 },
  {
    id: "u2",
    email: null,
    roles: { not: "a list" },
    flag: "true",
    many: [...TEXTS, ...NUMBERS, true, null, {}],
    number: 2,
  },
];

beforeAll(async () => {
  test = await startTestDatabases();
  await test.databases.query(DATABASE, { sql: createTableSql("rules", columns) }, "full");
  rows = Array.from({ length: ROWS }, (_, n) => storedRow(n));
  const names = [...columns.keys()].map(quoted).join(", ");
  const marks = [...columns.keys()].map(() => "?").join(", ");
  for (const row of rows) {
    const params = [...columns.keys()].map((name) => row[name] ?? null);
    await test.databases.query(DATABASE, { sql: `INSERT INTO rules (${names}) VALUES (${marks})`, params }, "data");
  }
});
afterAll(() => test.close());

it(`rules say the same in SQL over a table as for each of its rows (seed ${SEED})`, { timeout: 120_000 }, async () => {
  const items = rows.map((row) => toItem(row, columns));
  let undecided = 0;
  for (let n = 0; n < RULES; n++) {
    const text = randomRule(3);
    const rule = parseRule(text, "list", columns);
    const user = pick(USERS);
    const where = toWhere(ruleToSql(rule, { user, columns }));
    if (where.params.length > 100) continue;
    const found = await test.databases.query(
      DATABASE,
      { sql: `SELECT id FROM rules AS ${ITEM_ALIAS} WHERE ${where.sql} ORDER BY id`, params: where.params },
      "data",
    );
    const expected = items
      .filter((row) => evaluateRule(rule, { user, row }))
      .map(({ id }) => id)
      .sort();
    if (expected.length > 0 && expected.length < ROWS) undecided++;
    expect(
      found.rows.map(([id]) => id),
      `${text} for ${JSON.stringify(user)}`,
    ).toEqual(expected);
  }
  // Rules that are true or false for all rows would show little.
  expect(undecided).toBeGreaterThan(RULES / 10);
});
