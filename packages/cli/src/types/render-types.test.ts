import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../testing/run-command.ts";
import { renderTypes } from "./render-types.ts";
import { schemaType } from "./schema-type.ts";
import { sqlType } from "./sql-type.ts";

const TSC = fileURLToPath(new URL("../../../../node_modules/typescript/bin/tsc", import.meta.url));

/** What the compiler has to say about a file; nothing when all is well. */
async function compile(file: string): Promise<string> {
  const flags =
    "--ignoreConfig --noEmit --strict --exactOptionalPropertyTypes --allowImportingTsExtensions --module nodenext --target es2024";
  const run = promisify(execFile)(process.execPath, [TSC, ...flags.split(" "), "--types", "", file]);
  return run.then(
    ({ stdout }) => stdout,
    ({ stdout }: { stdout: string }) => stdout,
  );
}

const plain = { nullable: true, primaryKey: false, defaultValue: null, generated: false };

describe("types", () => {
  it.each([
    ["INTEGER", "number"],
    ["BIGINT UNSIGNED", "number"],
    ["varchar(20)", "string"],
    ["CLOB", "string"],
    ["BLOB", "number[]"],
    ["DOUBLE PRECISION", "number"],
    ["NUMERIC(10, 2)", "number"],
    ["BOOLEAN", "number"],
    ["TIMESTAMP", "string | number"],
    ["JSON", "string"],
    ["", "unknown"],
    ["WHATEVER", "unknown"],
  ])("of a column declared %s is %s", (declared, expected) => {
    expect(sqlType(declared)).toBe(expected);
  });

  it.each<[unknown, string]>([
    [{ type: "string" }, "string"],
    [{ type: ["integer", "null"] }, "number | null"],
    [{ type: ["integer", "number"] }, "number"],
    [{ enum: ["a", 1, null] }, '"a" | 1 | null'],
    [{ const: true }, "true"],
    [{ type: "array", items: { type: ["string", "null"] } }, "(string | null)[]"],
    [{ type: "array" }, "unknown[]"],
    [{ type: "array", prefixItems: [{ type: "string" }], items: false }, "[string?]"],
    [{ type: "object" }, "Record<string, unknown>"],
    [{ type: "object", additionalProperties: { type: "number" } }, "Record<string, number>"],
    [
      { type: "object", properties: { a: { type: "array", items: { type: "object", properties: { b: {} } } } } },
      "{\n  a?: {\n    b?: unknown;\n  }[];\n}",
    ],
    [{ anyOf: [{ type: "string" }, { type: "number" }] }, "string | number"],
    [{ allOf: [{ anyOf: [{ type: "string" }, { type: "null" }] }, { type: "string" }] }, "(string | null) & string"],
    [{ $ref: "#/$defs/x" }, "boolean"],
    [{ $ref: "#/$defs/nothing" }, "unknown"],
    [{}, "unknown"],
    [false, "never"],
  ])("of the schema %j is %s", (schema, expected) => {
    expect(schemaType(schema, { $defs: { x: { type: "boolean" } } })).toBe(expected);
  });

  it("of a schema without end is bounded", () => {
    expect(schemaType({ $ref: "#/$defs/x" }, { $defs: { x: { $ref: "#/$defs/x" } } })).toBe("unknown");
  });

  it("of a project are a module that compiles and says what fits", async () => {
    const content = renderTypes({
      project: "shop */ evil",
      tables: [
        {
          name: "notes",
          kind: "table",
          columns: [
            { ...plain, name: "id", type: "INTEGER", nullable: false, primaryKey: true },
            { ...plain, name: 'odd "name', type: "TEXT" },
            { ...plain, name: "total", type: "REAL", generated: true },
          ],
        },
        { name: "todos", kind: "table", columns: [{ ...plain, name: "id", type: "TEXT", nullable: false }] },
      ],
      collections: [
        {
          name: "todos",
          schema: {
            type: "object",
            description: "What is to do. */ evil()",
            required: ["title"],
            properties: { title: { type: "string", description: "A\nname" }, kind: { enum: ["a", "b"] } },
          },
        },
        {
          name: "blog-posts",
          schema: { type: "object", properties: { tags: { type: "array", items: { type: "string" } } } },
        },
      ],
      customApis: ["hello"],
    });
    const folder = temporaryFolder();
    writeFileSync(join(folder, "aerostack-types.ts"), content);
    writeFileSync(
      join(folder, "use.ts"),
      `import type { CollectionItem, ProjectSchema, TableRow } from "./aerostack-types.ts";
       const item: CollectionItem<"todos"> = { id: "todos_1", title: "a", kind: "b" };
       const post: ProjectSchema["collections"]["blog-posts"] = { tags: ["x"] };
       const row: TableRow<"notes"> = { id: 1, 'odd "name': null, total: 2 };
       // @ts-expect-error: a kind that there is not
       const wrong: ProjectSchema["collections"]["todos"] = { title: "a", kind: "c" };
       // @ts-expect-error: the title is required
       const missing: ProjectSchema["collections"]["todos"] = {};
       export { item, post, row, wrong, missing };`,
    );
    expect(await compile(join(folder, "use.ts"))).toBe("");
  });
});
