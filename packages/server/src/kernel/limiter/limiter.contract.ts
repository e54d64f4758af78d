// What every limiter guarantees; run by the tests of each.
import type { ManualClock } from "@aerostack/kernel";
import { expect, it } from "vitest";
import type { Limiter } from "./limiter.ts";

const POLICY = { limit: 5, windowMs: 60_000 };

/** A small generator of reproducible numbers (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function testLimiterContract(open: () => { readonly limiter: Limiter; readonly clock: ManualClock }): void {
  it("allows the limit, then refuses and says when to come back", async () => {
    const { limiter, clock } = open();
    const remaining: number[] = [];
    for (let event = 0; event < 5; event++) {
      const decision = await limiter.take("a", POLICY);
      expect(decision.allowed).toBe(true);
      remaining.push(decision.remaining);
    }
    expect(remaining).toEqual([4, 3, 2, 1, 0]);
    const refused = await limiter.take("a", POLICY);
    expect(refused).toMatchObject({ allowed: false, limit: 5, remaining: 0 });
    clock.advance(refused.retryAfterSeconds * 1_000);
    expect((await limiter.take("a", POLICY)).allowed).toBe(true);
  });

  it("keeps keys apart, and policies of other lengths too", async () => {
    const { limiter } = open();
    for (let event = 0; event < 6; event++) await limiter.take("a", POLICY);
    expect((await limiter.take("b", POLICY)).allowed).toBe(true);
  });

  it("does not count what it refuses", async () => {
    const { limiter, clock } = open();
    for (let event = 0; event < 5; event++) await limiter.take("a", POLICY);
    for (let second = 0; second < 65; second++) {
      await limiter.take("a", POLICY);
      clock.advance(1_000);
    }
    expect((await limiter.take("a", POLICY)).allowed).toBe(true);
  });

  it("is empty again at its reset time", async () => {
    const { limiter, clock } = open();
    await limiter.take("a", POLICY);
    clock.advance(7_000);
    const { resetAtMs } = await limiter.take("a", POLICY);
    clock.set(resetAtMs);
    expect((await limiter.take("a", POLICY)).remaining).toBe(4);
  });

  it("counts simultaneous events exactly", async () => {
    const { limiter } = open();
    const decisions = await Promise.all(Array.from({ length: 20 }, async () => await limiter.take("a", POLICY)));
    expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(5);
  });

  it.each([1, 2, 3])("never allows more than the limit within any window (seed %i)", async (seed) => {
    const { limiter, clock } = open();
    const random = seeded(seed);
    const allowedAt: number[] = [];
    for (let event = 0; event < 300; event++) {
      clock.advance(Math.floor(random() ** 3 * 30_000));
      if ((await limiter.take("a", POLICY)).allowed) allowedAt.push(clock.now());
    }
    expect(allowedAt.length).toBeGreaterThan(50);
    for (const start of allowedAt) {
      const within = allowedAt.filter((at) => at >= start && at < start + POLICY.windowMs);
      expect(within.length).toBeLessThanOrEqual(POLICY.limit);
    }
  });
}
