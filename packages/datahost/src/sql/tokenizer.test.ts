import { describe, expect, test } from "vitest";
import { splitFinishedStatements, splitStatements } from "./split-statements.ts";
import { tokenize } from "./tokenizer.ts";

const texts = (sql: string) => tokenize(sql).map((token) => `${token.kind}:${token.text}`);

describe("tokens", () => {
  test.each([
    [
      "SELECT 'it''s', \"a\"\"b\", `c`, [d e]",
      ["word:SELECT", "string:it's", "operator:,", 'quoted:a"b', "operator:,", "quoted:c", "operator:,", "quoted:d e"],
    ],
    ["a-- b ; c\n/* ; */+1", ["word:a", "operator:+", "number:1"]],
    [
      "x'0a' X'' 0x1F 1.5e-3 .5 1_000",
      ["blob:x'0a'", "blob:X''", "number:0x1F", "number:1.5e-3", "number:.5", "number:1_000"],
    ],
    [
      "? ?12 :a @b $c ?",
      ["parameter:?", "parameter:?12", "parameter::a", "parameter:@b", "parameter:$c", "parameter:?"],
    ],
    [
      "a||b<>c->>'$.x'",
      ["word:a", "operator:||", "word:b", "operator:<>", "word:c", "operator:->", "operator:>", "string:$.x"],
    ],
    ["/* never ends", []],
    ["'never ends", ["illegal:'never ends"]],
    ["größe", ["word:größe"]],
  ])("%s", (sql, expected) => {
    expect(texts(sql)).toEqual(expected);
  });
});

describe("statements", () => {
  const trigger =
    "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET b = CASE WHEN 1 THEN 2 END; DELETE FROM c; END";
  test.each([
    ["SELECT 1; SELECT 2", ["SELECT 1", "SELECT 2"]],
    ["SELECT ';' -- ;\n; ;; SELECT [;]", ["SELECT ';'", "SELECT [;]"]],
    [`${trigger}; SELECT 1;`, [trigger, "SELECT 1"]],
    [
      "CREATE TEMP TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END; SELECT 2",
      ["CREATE TEMP TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END", "SELECT 2"],
    ],
    [" -- only a comment", []],
  ])("%s", (sql, expected) => {
    expect(splitStatements(sql).map((statement) => statement.sql)).toEqual(expected);
  });

  test("a text cut anywhere gives the same statements", () => {
    const sql = `INSERT INTO a VALUES ('x;''y'); /* ; */ ${trigger}; SELECT "a;b" -- ;\n; SELECT 3;`;
    const whole = splitStatements(sql).map((statement) => statement.sql);
    for (let at = 0; at <= sql.length; at++) {
      const first = splitFinishedStatements(sql.slice(0, at));
      const second = splitFinishedStatements(first.rest + sql.slice(at));
      const found = [...first.statements, ...second.statements].map((statement) => statement.sql);
      expect(found, `cut at ${at}`).toEqual(whole);
    }
  });
});
