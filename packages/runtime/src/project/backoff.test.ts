import { describe, expect, it } from "vitest";
import { createBackoff } from "./backoff.ts";

const options = { freeRestarts: 2, backoffInitialMs: 1000, backoffMaxMs: 5000, healthyAfterMs: 60_000 };

describe("back-off", () => {
  it("restarts at once a few times, then doubles the pause up to its limit", () => {
    const backoff = createBackoff(options);
    expect([0, 1, 2, 3, 4, 5, 6].map((second) => backoff.fail(second * 1000, 10))).toEqual([
      0, 0, 1000, 2000, 4000, 5000, 5000,
    ]);
    expect(backoff.remainingMs(6000)).toBe(5000);
    expect(backoff.remainingMs(10_000)).toBe(1000);
    expect(backoff.remainingMs(11_000)).toBe(0);
  });

  it("forgets after a process that lived long, after a long quiet time, and when told to", () => {
    const backoff = createBackoff(options);
    const failThrice = (at: number) => [1, 2, 3].map(() => backoff.fail(at, 10)).at(-1);
    expect(failThrice(0)).toBe(1000);
    expect(backoff.fail(1000, 60_000)).toBe(0);
    expect(failThrice(2000)).toBe(2000);
    expect(backoff.fail(2000 + 65_000, 10)).toBe(0);
    expect(failThrice(70_000)).toBe(2000);
    backoff.reset();
    expect(backoff.remainingMs(70_000)).toBe(0);
    expect(backoff.fail(70_000, 10)).toBe(0);
  });
});
