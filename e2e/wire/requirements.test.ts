import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { WIRE_REQUIREMENTS } from "./requirements.ts";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));
const TEST_TITLE = /\b(?:it|test)(?:\.each\([^)]*\))?\(\s*(["'`])((?:(?!\1)[\s\S])*?)\1/g;
const REQUIREMENT_ID = /\bW\d+\.\d+-[\w.-]*\w/g;

/** The ids that stand in titles of tests. Titles made from a table carry theirs as `${id}`: such a file lists them as text. */
function claimedIds(): Map<string, string[]> {
  const claimed = new Map<string, string[]>();
  for (const file of globSync(["e2e/**/*.test.ts", "packages/*/src/**/*.test.ts"], { cwd: REPOSITORY })) {
    if (file.endsWith("wire/requirements.test.ts")) continue;
    const text = readFileSync(new URL(file, `file://${REPOSITORY}`), "utf8");
    const hasTableTitles = /\b(?:it|test)[.\w]*\([^)]*\$\{?id\b/.test(text);
    const places = hasTableTitles ? [text] : [...text.matchAll(TEST_TITLE)].map((match) => match[2] ?? "");
    for (const id of new Set(places.flatMap((place) => place.match(REQUIREMENT_ID) ?? []))) {
      claimed.set(id, [...(claimed.get(id) ?? []), file]);
    }
  }
  return claimed;
}

const claimed = claimedIds();

test("every requirement of the wire protocol that is due has a test", () => {
  const missing = WIRE_REQUIREMENTS.filter(({ id, awaits }) => awaits === undefined && !claimed.has(id));
  expect(missing.map(({ id, what }) => `${id}: ${what}`)).toEqual([]);
});

test("no test claims a requirement that is not on the list, or whose part is said to be missing", () => {
  const due = new Set(WIRE_REQUIREMENTS.filter(({ awaits }) => awaits === undefined).map(({ id }) => id));
  expect([...claimed.keys()].filter((id) => !due.has(id))).toEqual([]);
});

test("requirement ids are unique", () => {
  expect(new Set(WIRE_REQUIREMENTS.map(({ id }) => id)).size).toBe(WIRE_REQUIREMENTS.length);
});
