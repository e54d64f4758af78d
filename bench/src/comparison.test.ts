import { describe, expect, it } from "vitest";
import { compare, series } from "./comparison.ts";

const base = { id: "x", title: "X", unit: "requests/s" } as const;

describe("compare", () => {
  it("judges the ratio of the medians", () => {
    const made = compare({
      ...base,
      ours: series("ours", [74, 76, 10]),
      baseline: series("bare", [100, 100, 100]),
      target: { of: "ratio", is: "at least", limit: 0.75 },
    });
    expect(made).toMatchObject({ ratio: 0.74, pass: false, ratioRange: [0.1, 0.76] });
  });

  it("passes at the limit itself, whichever side is better", () => {
    const at = { ...base, ours: series("ours", [2]), baseline: series("bare", [1]) };
    expect(compare({ ...at, target: { of: "ratio", is: "at most", limit: 2 } }).pass).toBe(true);
    expect(compare({ ...at, target: { of: "ratio", is: "at least", limit: 2 } }).pass).toBe(true);
    expect(compare({ ...at, target: { of: "ratio", is: "at most", limit: 1.99 } }).pass).toBe(false);
  });

  it("judges our own figure where the target is one of size", () => {
    const made = compare({
      ...base,
      unit: "MB",
      ours: series("idle", [201]),
      target: { of: "value", is: "at most", limit: 200 },
    });
    expect(made).toMatchObject({ ratio: null, pass: false });
  });

  it("neither passes nor fails without a target", () => {
    expect(compare({ ...base, ours: series("ours", [1]) }).pass).toBeNull();
  });
});
