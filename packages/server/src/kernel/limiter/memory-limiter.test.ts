import { createManualClock } from "@aerostack/kernel";
import { describe, expect, it } from "vitest";
import { testLimiterContract } from "./limiter.contract.ts";
import { createMemoryLimiter } from "./memory-limiter.ts";

const START_MS = 1_800_000_000_123;

describe("the limiter in memory", () => {
  testLimiterContract(() => {
    const clock = createManualClock(START_MS);
    return { clock, limiter: createMemoryLimiter({ clock }) };
  });

  it("forgets the keys unused for longest beyond its bound", () => {
    const limiter = createMemoryLimiter({ clock: createManualClock(START_MS), maxKeys: 2 });
    const policy = { limit: 1, windowMs: 60_000 };
    for (const key of ["a", "b", "a", "c"]) limiter.take(key, policy);
    expect(limiter.take("a", policy).allowed).toBe(false);
    expect(limiter.take("b", policy).allowed).toBe(true);
  });
});
