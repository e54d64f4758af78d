import { describe, expect, it } from "vitest";
import { splitStatements } from "./split-statements.ts";

describe("typed SQL", () => {
  it("is cut at semicolons outside of text, names and comments", () => {
    const { statements, rest } = splitStatements(
      "SELECT 'a;b', \"c;d\", [e;f] -- no; end\n/* nor; here */ FROM t; INSERT INTO t VALUES ('it''s;');\nSELECT",
    );
    expect(statements).toEqual([
      "SELECT 'a;b', \"c;d\", [e;f] -- no; end\n/* nor; here */ FROM t;",
      "INSERT INTO t VALUES ('it''s;');",
    ]);
    expect(rest).toBe("\nSELECT");
  });

  it("keeps the statements of a trigger together", () => {
    const trigger =
      "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE b SET n = CASE WHEN 1 THEN 2 ELSE 3 END; DELETE FROM c; END;";
    expect(splitStatements(`${trigger} SELECT 1;`).statements).toEqual([trigger, "SELECT 1;"]);
  });

  it("waits for the end of text that spans lines", () => {
    expect(splitStatements("SELECT 'open;\n")).toEqual({ statements: [], rest: "SELECT 'open;\n" });
  });
});
