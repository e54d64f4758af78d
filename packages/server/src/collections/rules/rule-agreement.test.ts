import { afterAll, beforeAll, expect, it } from "vitest";
import { createSeededRandom } from "../../../../../e2e/harness/seeded-random.ts";
import { startTestDatabases } from "../../database/data-host-testing.ts";
import { mainDatabase } from "../definition-store.ts";
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
});
const random = createSeededRandom(SEED);
const { pick, between, next } = random;

const TEXTS = ["", "a", "A", "b", "é", "z", "\uffff", "\u{1f600}", "1", "true", "null", "it's", 'q"', "%", "\n"];
const NUMBERS = [0, -0, 1, -1, 2, 1.5, 0.1, 1e300, 9007199254740991, -2.5];

let test: Awaited<ReturnType<typeof startTestDatabases>>;
let rows: Record<string, unknown>[];

function randomJson(depth: number): unknown {
  const kind = between(0, depth > 1 ? 4 : 6);
  if (kind === 0) return null;
  if (kind === 1) return pick(TEXTS);
  if (kind === 2) return pick(NUMBERS);
  if (kind === 3 || kind === 4) return next() < 0.5;
  if (kind === 5) return { a: randomJson(depth + 1), b: randomJson(depth + 1) };
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
  };
}

function literal(): string {
  const value = pick([pick(TEXTS), pick(NUMBERS), next() < 0.5, null]);
  if (typeof value === "number" && !Number.isInteger(value)) return value.toFixed(2);
  if (typeof value === "number" && !Number.isSafeInteger(value)) return "1.0e300";
  return Object.is(value, -0) ? "0" : JSON.stringify(value);
}

const FIELDS = ["text", "other", "whole", "real", "flag", "flag2", "owner_id", "updated_at", "id"];
const USER_PATHS = ["user.id", "user.email", "user.roles", "user.deep.x", "user.flag", "user.missing", "user.number"];

function operand(): string {
  return pick([() => `row.${pick(FIELDS)}`, literal, () => pick(USER_PATHS)])();
}

function randomRule(depth: number): string {
  if (depth > 0 && next() < 0.55) {
    const operator = pick(["&&", "||"]);
    return `(${randomRule(depth - 1)} ${operator} ${randomRule(depth - 1)})`;
  }
  if (depth > 0 && next() < 0.3) return `!(${randomRule(depth - 1)})`;
  const lists = [
    () => `row.${pick(["list", "tags"])}`,
    () => pick(["user.roles", "user.many", "user.id"]),
    () => `[${Array.from({ length: between(0, 14) }, literal).join(", ")}]`,
  ];
  return pick([
    () => `${operand()} ${pick(["==", "!=", "<", "<=", ">", ">="])} ${operand()}`,
    () => `${operand()} ${pick(["==", "!="])} ${operand()}`,
    () => `${operand()} in ${pick(lists)()}`,
    () => `row.${pick(["flag", "flag2"])}`,
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
  rows = Array.from({ length: ROWS }, (_, n) => randomRow(n));
  const names = [...columns.keys()].map(quoted).join(", ");
  const marks = [...columns.keys()].map(() => "?").join(", ");
  for (const row of rows) {
    const params = [...columns.values()].map((column) => encodeValue(column, row[column.name]));
    await test.databases.query(DATABASE, { sql: `INSERT INTO rules (${names}) VALUES (${marks})`, params }, "data");
  }
});
afterAll(() => test.close());

it(`rules say the same in SQL over a table as for each of its rows (seed ${SEED})`, { timeout: 120_000 }, async () => {
  const items = rows.map((row) =>
    toItem(
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => {
          const column = columns.get(name);
          return [name, column === undefined ? value : encodeValue(column, value)];
        }),
      ),
      columns,
    ),
  );
  let undecided = 0;
  for (let n = 0; n < RULES; n++) {
    const text = randomRule(3);
    const rule = parseRule(text, "list", columns);
    const user = pick(USERS);
    const where = toWhere(ruleToSql(rule, { user, columns }));
    if (where.params.length > 100) continue;
    const found = await test.databases.query(
      DATABASE,
      { sql: `SELECT id FROM rules WHERE ${where.sql} ORDER BY id`, params: where.params },
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
