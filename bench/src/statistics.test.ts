import { describe, expect, it } from "vitest";
import { median, pairedRatios, percentile, spread } from "./statistics.ts";

describe("median", () => {
  it("is the middle value, whatever the order", () => {
    expect(median([9, 1, 5])).toBe(5);
  });

  it("is the mean of the two middle values of an even number", () => {
    expect(median([4, 1, 3, 100])).toBe(3.5);
  });

  it("does not move when one round goes wrong", () => {
    expect(median([100, 101, 99, 100, 3])).toBe(100);
  });

  it("refuses to speak of nothing", () => {
    expect(() => median([])).toThrow("nothing");
  });

  it("leaves what it is given as it was", () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

describe("percentile", () => {
  it("interpolates between the nearest values", () => {
    expect(percentile([10, 20, 30, 40, 50], 90)).toBe(46);
  });

  it("ends at the smallest and the largest", () => {
    expect([percentile([7, 3, 5], 0), percentile([7, 3, 5], 100)]).toEqual([3, 7]);
  });
});

describe("spread", () => {
  it("is the distance between the extremes as a share of the median", () => {
    expect(spread([90, 100, 120])).toBeCloseTo(0.3);
  });

  it("is nothing for a single round", () => {
    expect(spread([42])).toBe(0);
  });
});

describe("pairedRatios", () => {
  it("compares each round with the baseline's round beside it", () => {
    expect(pairedRatios([80, 30], [100, 40])).toEqual([0.8, 0.75]);
  });

  it("leaves out rounds that the baseline did not run or did not survive", () => {
    expect(pairedRatios([80, 30, 20], [100, 0])).toEqual([0.8]);
  });
});
