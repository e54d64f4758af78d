import { describe, expect, it } from "vitest";
import { MAX_JSON_DEPTH, parseJson } from "./parse-json.ts";

const nested = (levels: number): string => `${"[".repeat(levels)}${"]".repeat(levels)}`;

describe("JSON that somebody else wrote", () => {
  it("is read as JSON is, whatever its strings hold", () => {
    const value = { a: ["]]}}[[{{", '\\"[', "\\\\"], b: { c: null, d: -1e3 }, long: "[".repeat(500) };
    expect(parseJson(JSON.stringify(value))).toEqual(value);
    expect(parseJson(nested(MAX_JSON_DEPTH))).toEqual(JSON.parse(nested(MAX_JSON_DEPTH)));
  });

  it.each([nested(MAX_JSON_DEPTH + 1), `{"a":"\\\\",${'"b":{'.repeat(150)}`, "[".repeat(1_000_000)])(
    "is refused where it nests too deep",
    (text) => {
      expect(() => parseJson(text)).toThrow(
        expect.objectContaining({ code: "REQUEST_MALFORMED", message: expect.stringMatching(/deeper/) }),
      );
    },
  );

  it.each(["", "{", "nul", '{"a":1}}', `"${"x".repeat(300)}`, `${"x".repeat(300)}`])(
    "is refused where it is none: %.9s",
    (text) => {
      expect(() => parseJson(text)).toThrow(expect.objectContaining({ code: "REQUEST_MALFORMED" }));
    },
  );
});
