import type { SeededRandom } from "./seeded-random.ts";

const LONG = 70_000;
const TEXTS: readonly string[] = [
  "",
  " ",
  "\u0000",
  "a\u0000b",
  "\ud800",
  "\udfff x",
  "\u202e\u200b\ufeff",
  "e\u0301\u0301\u0301",
  "😀".repeat(500),
  "../../etc/passwd",
  "/absolute",
  "..\\..\\x",
  "%2e%2e%2f",
  "__proto__",
  "constructor",
  "'; DROP TABLE users; --",
  '"`$(id)`$' + "{7*7}",
  "<script>alert(1)</script>",
  "NaN",
  "1e999",
  "-0",
  "\r\nx-injected: 1",
  "x".repeat(LONG),
  "SELECT 1; SELECT 2",
  "/* unclosed",
  "'unclosed",
  "CREATE TRIGGER t AFTER INSERT ON x BEGIN SELECT 1; END",
  "2026-13-45T99:99:99Z",
];
const NUMBERS: readonly number[] = [0, -1, 1.5, 1e21, Number.MAX_SAFE_INTEGER + 2, -2147483649, 5e-324];

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

/** Something that whoever wrote the handler may not have thought of. */
export function hostileValue(random: SeededRandom): unknown {
  switch (random.between(0, 8)) {
    case 0:
      return null;
    case 1:
      return random.between(0, 1) === 0;
    case 2:
      return random.pick(NUMBERS);
    case 3:
      return [];
    case 4:
      return nested(random.pick([3, 60, 2000]));
    case 5:
      return Array.from({ length: 1500 }, (_, index) => ({ key: `k${index}`, value: index, sql: "SELECT 1" }));
    case 6:
      return JSON.parse('{"__proto__":{"isAdmin":true},"constructor":{"prototype":{}},"toString":1}');
    default:
      return random.pick(TEXTS);
  }
}

/** Text that is nearly JSON. */
export function malformedJson(random: SeededRandom): string {
  return random.pick([
    "",
    "{",
    "nul",
    "[1,]",
    '{"a":1}}',
    '{"a":"\\ud8"}',
    "\u0000",
    "\ufeff{}",
    '{"a":1e99999}',
    `${"[".repeat(100_000)}`,
    '"text"',
    "[]",
    "null",
    "42",
  ]);
}
