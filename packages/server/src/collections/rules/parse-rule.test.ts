import { AerostackError, type CollectionOperation } from "@aerostack/contracts";
import { describe, expect, it } from "vitest";
import { compileProperties } from "../testing.ts";
import { evaluateRule } from "./evaluate-rule.ts";
import { parseRule } from "./parse-rule.ts";

const { columns } = compileProperties({
  title: { type: "string" },
  done: { type: "boolean" },
  size: { type: "integer" },
  tags: { type: "array" },
  doc: {
    type: "object",
    properties: {
      owner: { type: "object", properties: { id: { type: "string" } } },
      ok: { type: "boolean" },
      list: { type: "array" },
    },
  },
  open: { type: "object" },
  ...Object.fromEntries(Array.from({ length: 16 }, (_, n) => [`f${n}`, {}])),
});

describe("a rule", () => {
  it.each([
    ["", "Unexpected"],
    ["row.title ==", "Unexpected"],
    ["everybody", "not supported"],
    ["row.title", "not true or false"],
    ["row.nope == 1", "there is no field 'nope'"],
    ["row.tags == [1]", "not supported"],
    ["row.tags == 'x'", "only be compared with null"],
    ["user == 'x'", "only be compared with null"],
    ["row == null", "write row.<field>"],
    ["row.title.length > 3", "the field 'title' holds no object"],
    ["row.doc.owner.name == 'x'", "there is no field 'name' in 'doc.owner'"],
    ["row.doc.owner == 'x'", "only be compared with null"],
    ["row.doc.owner.id", "not true or false"],
    ["row.doc.list.length == 1", "the field 'doc.list' holds no object"],
    ["row.doc['constructor'] == null", "there is no field 'constructor'"],
    ['row.doc["it\'s"] == 1', "a name in a path"],
    ["row.open['a\"b'] == 1", "a name in a path"],
    ["row.open[0] == 1", "not supported"],
    ["row.open[row.title] == 1", "not supported"],
    ["row.open.a.b.c.d.e.f.g.h.i == 1", "no more than 8 names deep"],
    [Array.from({ length: 11 }, () => "row.open.a.b.c.d.e.f == 1").join(" || "), "no more than 60 names"],
    ["row.title in 'abc'", "'in' needs a list"],
    ["row.title in row.title", "does not hold a list"],
    ["row.title in [row.size]", "a list holds values"],
    ["size(row.title) > 3", "not supported"],
    ["row.title.matches('(a+)+$')", "not supported"],
    ["[1, 2].all(x, x > 0)", "not supported"],
    ["row.size + 1 > 2", "not supported"],
    ["row.done ? true : false", "not supported"],
    ["process.env.PATH == 'x'", "a name begins with row, new or user"],
    ["row.size == 9007199254740993", "too large"],
    ["row.size == 1u", "values are texts"],
    ["new.title == 'x'", "'new' is not known when items are listed"],
    ["row['constructor'] == null", "there is no field"],
    [Array.from({ length: 16 }, (_, n) => `row.f${n} == null`).join(" && "), "no more than 15 fields"],
    [Array.from({ length: 41 }, () => "row.size == 1").join(" || "), "at most 40 comparisons"],
    [`${"(".repeat(60)}true${")".repeat(60)}`, ""],
    [`${"!".repeat(990)}true`, ""],
  ])("%s is refused", (text, reason) => {
    try {
      parseRule(text, "list", columns);
    } catch (error) {
      if (!(error instanceof AerostackError)) throw error;
      expect(error.code).toBe("VALIDATION_ERROR");
      expect(error.message).toContain(reason);
      expect(Object.keys(error.details?.fieldErrors as object)).toEqual(["rules.list"]);
      return;
    }
    // Deep nesting may also be taken, if it stays within bounds.
    if (reason !== "") throw new Error("it was accepted");
  });

  it.each<[string, CollectionOperation, boolean, boolean, boolean]>([
    // nobody, a stranger, the owner
    ["none", "list", false, false, false],
    ["public", "list", true, true, true],
    ["signed-in", "get", false, true, true],
    ["owner", "get", false, false, true],
    ["owner", "update", false, false, true],
    ["owner", "create", false, true, true],
  ])("%s for %s lets nobody %s, a stranger %s, the owner %s pass", (text, operation, nobody, stranger, owner) => {
    const rule = parseRule(text, operation, columns);
    const row = { owner_id: "usr_1" };
    const passes = (id: string | null) => evaluateRule(rule, { user: id === null ? null : { id }, row, new: row });
    expect([passes(null), passes("usr_2"), passes("usr_1")]).toEqual([nobody, stranger, owner]);
  });

  it("of the owner lets nobody pass where a row has none", () => {
    const rule = parseRule("owner", "get", columns);
    expect(evaluateRule(rule, { user: null, row: { owner_id: null } })).toBe(false);
  });

  it("takes nobody for somebody: what is null is like nothing, unless null itself is asked for", () => {
    const passes = (text: string) =>
      evaluateRule(parseRule(text, "list", columns), { user: null, row: { owner_id: null, title: null } });
    expect(passes("row.owner_id == user.id")).toBe(false);
    expect(passes("row.owner_id != user.id")).toBe(true);
    expect(passes("row.owner_id == row.title")).toBe(false);
    expect(passes("user.id in [null, 'a']")).toBe(false);
    expect(passes("row.owner_id == null && user == null && user.id == null && null in [null]")).toBe(true);
  });

  it("compares what a change makes with what was there", () => {
    const rule = parseRule("new.size >= row.size && new.title == row.title", "update", columns);
    const row = { size: 1, title: "a" };
    expect(evaluateRule(rule, { user: null, row, new: { size: 2, title: "a" } })).toBe(true);
    expect(evaluateRule(rule, { user: null, row, new: { size: 0, title: "a" } })).toBe(false);
    expect(evaluateRule(rule, { user: null, row, new: { size: 2, title: "b" } })).toBe(false);
  });

  it("looks into objects by what their names lead to, and takes what is not there for null", () => {
    const row = { doc: { owner: { id: "u", __proto__: { hidden: true } }, ok: true, list: ["a"] }, open: [{ a: 1 }] };
    const passes = (text: string) => evaluateRule(parseRule(text, "list", columns), { user: { id: "u" }, row });
    expect(passes("row.doc.owner.id == user.id && row.doc.ok && 'a' in row.doc.list && row.doc.owner != null")).toBe(
      true,
    );
    expect(passes("row.open.a == null && row.open.length == null && row.open['0'] == null")).toBe(true);
    expect(passes("row.open.a.b.c == user.nothing")).toBe(false);
  });

  it("reads claims of the user at any depth, and takes what is not there for null", () => {
    const user = { id: "u", roles: ["admin"], org: { teams: ["a"] }, __proto__: { hidden: true } };
    const passes = (text: string) => evaluateRule(parseRule(text, "list", columns), { user });
    expect(passes("'admin' in user.roles")).toBe(true);
    expect(passes("'a' in user.org.teams")).toBe(true);
    expect(passes("user.org.nothing.at.all == null")).toBe(true);
    expect(passes("user.hidden == null && user.toString == null && user.roles.length == null")).toBe(true);
    expect(passes("user.org == null")).toBe(false);
    expect(passes("user.roles == 'admin'")).toBe(false);
  });
});
