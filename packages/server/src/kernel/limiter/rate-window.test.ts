import { createManualClock } from "@aerostack/kernel";
import { describe, expect, it } from "vitest";
import { createRateWindow } from "./rate-window.ts";

const MINUTE = 60_000;

describe("the rate window", () => {
  it("lets exactly the limit through, tells what remains, and starts anew with the next window", () => {
    const clock = createManualClock(10 * MINUTE + 1234);
    const window = createRateWindow({ clock, windowMs: MINUTE });
    const verdicts = Array.from({ length: 5 }, () => window.hit("a", 3));
    expect(verdicts.map((one) => [one.allowed, one.remaining])).toEqual([
      [true, 2],
      [true, 1],
      [true, 0],
      [false, 0],
      [false, 0],
    ]);
    expect(verdicts[0]?.resetUnixSeconds).toBe(11 * 60);
    expect(window.hit("b", 3).allowed).toBe(true);
    clock.set(11 * MINUTE);
    expect(window.hit("a", 3).allowed).toBe(true);
  });

  it("brings the counts of two nodes together", async () => {
    const clock = createManualClock(MINUTE);
    const totals = new Map<string, number>();
    const share = async (_start: number, increments: ReadonlyMap<string, number>) => {
      for (const [subject, count] of increments) totals.set(subject, (totals.get(subject) ?? 0) + count);
      return new Map([...increments.keys()].map((subject) => [subject, totals.get(subject) ?? 0]));
    };
    const nodes = [
      createRateWindow({ clock, windowMs: MINUTE, share }),
      createRateWindow({ clock, windowMs: MINUTE, share }),
    ];
    let passed = 0;
    for (let round = 0; round < 40; round++) {
      clock.advance(300);
      for (const node of nodes) if (node.hit("a", 20).allowed) passed++;
      await new Promise(setImmediate);
    }
    // Each node may let through what the other did since they last met: here one call.
    expect(passed).toBeGreaterThanOrEqual(20);
    expect(passed).toBeLessThanOrEqual(22);
  });
});
