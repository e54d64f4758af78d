import { AerostackError } from "@aerostack/contracts";
import { describe, expect, it } from "vitest";
import { expectWithin } from "../../../../../e2e/harness/expect-within.ts";
import { compileDefinition } from "../definition.ts";
import { compileProperties, definitionOf } from "../testing.ts";
import { createSchemaCompiler } from "./compile-validator.ts";

const schemas = createSchemaCompiler();

function refusalOf(schema: object, rest: object = {}): AerostackError {
  try {
    compileDefinition(definitionOf({ schema: schema as Record<string, unknown>, ...rest }), schemas);
  } catch (error) {
    if (error instanceof AerostackError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

const withProperty = (property: unknown, $defs?: object) => ({
  type: "object",
  properties: { a: property },
  ...($defs === undefined ? {} : { $defs }),
});

function nested(depth: number): unknown {
  let schema: unknown = { type: "string" };
  for (let i = 0; i < depth; i++) schema = { type: "array", items: schema };
  return schema;
}

describe("a schema of a stranger", () => {
  it.each([
    ["a remote reference", { $ref: "https://example.com/schema.json" }],
    ["a reference to a file", { $ref: "file:///etc/passwd" }],
    ["a reference to the whole schema", { $ref: "#" }],
    ["a dynamic reference", { $dynamicRef: "#x" }],
    ["a name of its own", { $id: "https://example.com/x", type: "string" }],
    ["an unknown keyword", { type: "string", instanceof: "Date" }],
    ["data in place of a limit", { type: "string", maxLength: { $data: "1/b" } }],
    ["look-around in a pattern", { type: "string", pattern: "(?=a)a" }],
    ["a back-reference in a pattern", { type: "string", pattern: "(a)\\1" }],
    ["a pattern that is too long", { type: "string", pattern: "a".repeat(201) }],
    ["a pattern that repeats too often", { type: "string", pattern: "((a{1,100}){1,100}){1,10}" }],
    ["an unknown format", { type: "string", format: "regex" }],
    ["more depth than it may have", nested(40)],
    ["far more depth than it may have", nested(50_000)],
    ["an enum that is too long", { enum: Array.from({ length: 501 }, (_, n) => n) }],
    ["a type that there is not", { type: "date" }],
    ["a schema that is none", 7],
    ["a default that does not fit", { type: "integer", default: "x" }],
  ])("with %s is refused, and the place is named", (_, property) => {
    const error = refusalOf(withProperty(property));
    expect(error.code).toBe("VALIDATION_ERROR");
    expect(Object.keys(error.details?.fieldErrors as object)[0]).toMatch(/^schema/);
  });

  it("with definitions that contain each other is refused", () => {
    const circle = { a: { $ref: "#/$defs/b" }, b: { type: "object", properties: { a: { $ref: "#/$defs/a" } } } };
    expect(refusalOf(withProperty({ $ref: "#/$defs/a" }, circle)).message).toContain("may not contain itself");
  });

  it("with references that multiply is refused in no time", () => {
    const doubling = Object.fromEntries(
      Array.from({ length: 30 }, (_, n) => [
        `d${n}`,
        n === 0 ? { type: "string" } : { allOf: [{ $ref: `#/$defs/d${n - 1}` }, { $ref: `#/$defs/d${n - 1}` }] },
      ]),
    );
    const startedAt = performance.now();
    expect(refusalOf(withProperty({ $ref: "#/$defs/d29" }, doubling)).message).toContain("more than 1000 keywords");
    expectWithin(performance.now() - startedAt, 200);
  });

  it.each([
    ["no object", { type: "array" }],
    ["no properties", { type: "object" }],
    ["any properties", { type: "object", properties: { a: {} }, additionalProperties: true }],
    ["a system field", { type: "object", properties: { owner_id: { type: "string" } } }],
    ["a name that SQL keeps", { type: "object", properties: { rowid: { type: "integer" } } }],
    ["a name that JavaScript keeps", { type: "object", properties: { constructor: { type: "string" } } }],
    ["a name that is no word", { type: "object", properties: { 'x" TEXT); DROP TABLE y; --': { type: "string" } } }],
    ["two names that SQL does not tell apart", { type: "object", properties: { Title: {}, title: {} } }],
    [
      "too many fields",
      { type: "object", properties: Object.fromEntries(Array.from({ length: 61 }, (_, n) => [`f${n}`, {}])) },
    ],
  ])("with %s makes no table", (_, schema) => {
    expect(refusalOf(schema).code).toBe("VALIDATION_ERROR");
  });

  it.each([
    [{ indexes: [{ fields: ["b"] }] }, "there is no field 'b'"],
    [{ indexes: [{ fields: ["a", "a"] }] }, "a field is named twice"],
  ])("with indexes %j is refused", (rest, reason) => {
    expect(refusalOf(withProperty({ type: "string" }), rest).message).toContain(reason);
  });
});

describe("columns", () => {
  it("are of the type that the property has, through references and enums too", () => {
    const { columns } = compileDefinition(
      definitionOf({
        schema: {
          type: "object",
          properties: {
            text: { type: "string" },
            whole: { type: ["integer", "null"] },
            real: { type: "number" },
            mixed: { type: ["integer", "number"] },
            flag: { type: "boolean" },
            list: { type: "array" },
            anything: {},
            choice: { enum: ["a", "b", null] },
            size: { $ref: "#/$defs/size" },
            either: { type: ["string", "number"] },
          },
          $defs: { size: { type: "integer", default: 3 } },
        },
      }),
      schemas,
    );
    const shown = [...columns.values()].slice(4).map(({ name, kind, nullable }) => [name, kind, nullable]);
    expect(shown).toEqual([
      ["text", "string", false],
      ["whole", "integer", true],
      ["real", "number", false],
      ["mixed", "number", false],
      ["flag", "boolean", false],
      ["list", "json", false],
      ["anything", "json", true],
      ["choice", "string", true],
      ["size", "integer", false],
      ["either", "json", false],
    ]);
    expect(columns.get("size")?.defaultValue).toBe(3);
  });
});

describe("an item", () => {
  it("is told by field what is wrong with it", () => {
    const { validator } = compileDefinition(
      definitionOf({
        schema: {
          type: "object",
          required: ["title", "kind"],
          properties: {
            title: { type: "string", minLength: 3 },
            kind: { enum: ["a", "b"] },
            mail: { type: "string", format: "email" },
            code: { type: "string", pattern: "^[a-z]+$" },
            tags: { type: "array", uniqueItems: true, items: { type: "string" } },
            address: { type: "object", required: ["city"], properties: { zip: { type: "string" } } },
          },
        },
      }),
      schemas,
    );
    expect(
      validator.check({
        title: "x",
        mail: "nobody",
        code: "A",
        tags: ["a", "a", 1],
        address: { zip: 5 },
        more: true,
      }),
    ).toEqual({
      title: ["must NOT have fewer than 3 characters"],
      kind: ["is required"],
      mail: ['must match format "email"'],
      code: ['must match pattern "^[a-z]+$"'],
      tags: ["must not have the same item twice"],
      "tags.2": ["must be string"],
      "address.city": ["is required"],
      "address.zip": ["must be string"],
      more: ["is not a field of the schema"],
    });
    expect(validator.check({ title: "long enough", kind: "a" })).toBeNull();
  });

  it("costs bounded time whatever pattern and text meet", () => {
    const { validator } = compileProperties({ a: { type: "string", pattern: "^(a|a)*(a|aa)+$" } });
    const startedAt = performance.now();
    expect(validator.check({ a: `${"a".repeat(40)}!` })).toEqual({
      a: [expect.stringContaining("must match pattern")],
    });
    expect(validator.check({ a: `${"a".repeat(900_000)}!` })).toEqual({
      item: ["The texts are too long for the patterns of the schema."],
    });
    expectWithin(performance.now() - startedAt, 2_000);
  });

  it("with very many values, all alike, is compared in bounded time", () => {
    const { validator } = compileProperties({ a: { type: "array", uniqueItems: true, items: { type: "object" } } });
    const startedAt = performance.now();
    expect(validator.check({ a: Array.from({ length: 60_000 }, (_, n) => ({ n })) })).toBeNull();
    expect(
      validator.check({
        a: [
          { b: 1, c: 2 },
          { c: 2, b: 1 },
        ],
      }),
    ).not.toBeNull();
    expectWithin(performance.now() - startedAt, 2_000);
  });

  it("of more values than its schema can check at once is refused", () => {
    const branches = Array.from({ length: 400 }, (_, n) => ({ const: n }));
    const { validator } = compileProperties({ a: { type: "array", items: { anyOf: branches } } });
    const startedAt = performance.now();
    expect(validator.check({ a: Array.from({ length: 200_000 }, () => "x") })).toEqual({
      item: ["The item has more values than its schema can check at once."],
    });
    expectWithin(performance.now() - startedAt, 1_000);
  });

  it.each([
    ["half of a surrogate pair", { a: "\ud800" }],
    ["a NUL", { a: { b: ["x\0"] } }],
    ["depth without end", { a: nested(5_000) }],
  ])("with %s is refused", (_, item) => {
    expect(compileProperties({ a: {} }).validator.check(item)).toHaveProperty("item");
  });
});
