import { describe, expect, it } from "vitest";
import { backoffSeconds } from "./backoff.ts";
import { readRetryAfter, retryDelaySeconds } from "./endpoints/retry-delay.ts";

const BACKOFF = { firstSeconds: 5, maxSeconds: 3600 };

describe("the time until a message is tried again", () => {
  it("doubles with each delivery up to its bound, and at least half of it passes", () => {
    for (let attempts = 1; attempts <= 40; attempts++) {
      const full = Math.min(5 * 2 ** (attempts - 1), 3600);
      for (const random of [0, 0.25, 0.5, 0.999_999]) {
        const delay = backoffSeconds(BACKOFF, attempts, random);
        expect(Number.isInteger(delay)).toBe(true);
        expect(delay).toBeGreaterThanOrEqual(full / 2);
        expect(delay).toBeLessThanOrEqual(full);
      }
    }
  });

  it("is spread, so that what failed together does not come back together", () => {
    const delays = Array.from({ length: 100 }, (_, index) => backoffSeconds(BACKOFF, 10, index / 100));
    expect(new Set(delays).size).toBeGreaterThan(90);
  });

  it("is never shorter than what an endpoint asks for, and that never longer than a day", () => {
    const failed = { attempts: 1, random: 0 };
    expect(retryDelaySeconds({ ...failed, retryAfterSeconds: 90 })).toBe(90);
    expect(retryDelaySeconds({ ...failed, retryAfterSeconds: 0 })).toBe(3);
    expect(retryDelaySeconds({ ...failed, retryAfterSeconds: 1e9 })).toBe(86_400);
  });

  it.each([
    ["120", 120],
    [" 7 ", 7],
    ["Mon, 01 Jun 2026 00:00:30 GMT", 30],
    ["Sun, 31 May 2026 23:00:00 GMT", 0],
    ["soon", null],
    ["-5", null],
    ["", null],
    [null, null],
  ])("reads Retry-After '%s' as %s seconds", (header, seconds) => {
    expect(readRetryAfter(header, Date.UTC(2026, 5, 1))).toBe(seconds);
  });
});
