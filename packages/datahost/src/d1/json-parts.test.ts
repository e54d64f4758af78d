import { describe, expect, test } from "vitest";
import { hasMoreParts } from "./json-parts.ts";

describe("parts of a JSON text", () => {
  test.each([
    ["7", 0],
    ["[1,2,3]", 1],
    ["[[],{}]", 3],
    ['{"sql":"SELECT 1","params":["a",1]}', 6],
    ['"[[[{{{"', 1],
    ['"a\\"[","b"', 2],
    ['"a\\\\",["b"]', 3],
    ['"\\\\\\"[",[]', 2],
    ['["é😀[",{}]', 3],
    ['["not closed [[[', 2],
    ['["\\', 2],
  ])("%s has %i", (json, parts) => {
    expect(hasMoreParts(Buffer.from(json), parts)).toBe(false);
    if (parts > 0) expect(hasMoreParts(Buffer.from(json), parts - 1)).toBe(true);
  });
});
