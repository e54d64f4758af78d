import { describe, expect, it } from "vitest";
import { fitRow, LARGE_VALUE_BYTES, MAX_ROW_BYTES } from "./fit-row.ts";

const LARGE = "x".repeat(MAX_ROW_BYTES / 2 + 1);

describe("a change of a row", () => {
  it("is told whole up to the limit, before and after together", () => {
    const small = { data: { id: 1, text: LARGE, n: null }, old: { id: 1, text: "before", n: 2 } };
    expect(fitRow(small)).toEqual(small);
    expect(fitRow({ data: { id: 1, text: "é".repeat(MAX_ROW_BYTES / 2 - 10) } }).truncated).toBeUndefined();
  });

  it("beyond it goes without its large values, which are named; the small ones stay", () => {
    const owner = "u".repeat(LARGE_VALUE_BYTES - 3);
    const change = { data: { id: 1, owner, text: LARGE }, old: { id: 1, owner, text: LARGE } };
    expect(fitRow(change)).toEqual({ data: { id: 1, owner }, old: { id: 1, owner }, truncated: ["text"] });
  });

  it("is measured as JSON takes it: control characters and blobs are long", () => {
    const control = fitRow({ data: { id: 1, text: "\u0001".repeat(MAX_ROW_BYTES / 6 + 1) } });
    expect(control).toEqual({ data: { id: 1 }, truncated: ["text"] });
    const blob = fitRow({ data: { id: 1, bytes: new Array(MAX_ROW_BYTES / 4).fill(255), text: "a" } });
    expect(blob).toEqual({ data: { id: 1, text: "a" }, truncated: ["bytes"] });
  });

  it("names a column in which only the row before it was large", () => {
    const two = { data: { id: 1, a: LARGE, b: null }, old: { id: 1, a: "x", b: LARGE } };
    expect(fitRow(two)).toEqual({ data: { id: 1 }, old: { id: 1 }, truncated: ["a", "b"] });
  });
});
