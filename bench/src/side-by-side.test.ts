import { describe, expect, it } from "vitest";
import { sideBySide } from "./side-by-side.ts";

/** Runs two contestants on a machine that is disturbed as told, run after run; each reports the number of its round. */
async function race(disturbances: readonly number[], repeats: number) {
  const order: string[] = [];
  let runs = 0;
  const contestant = (name: string) => ({
    name,
    run: async () => {
      order.push(name);
      return order.filter((one) => one === name).length;
    },
  });
  const rounds = await sideBySide([contestant("ours"), contestant("baseline")], {
    rounds: 2,
    maxDisturbance: 0.1,
    repeats,
    watch: () => () => disturbances[runs++] ?? 0,
  });
  return { order, rounds };
}

describe("sideBySide", () => {
  it("lets the contestants take turns", async () => {
    const { order } = await race([], 5);
    expect(order).toEqual(["ours", "baseline", "ours", "baseline"]);
  });

  it("repeats a round when either contestant was disturbed, and counts the repetition instead", async () => {
    const { rounds } = await race([0, 0.5, 0, 0, 0.02, 0.03], 5);
    expect(rounds.map(({ reports }) => [...reports.values()])).toEqual([
      [2, 2],
      [3, 3],
    ]);
    expect(rounds.map(({ disturbance }) => disturbance)).toEqual([0, 0.03]);
  });

  it("ends on a machine that is never quiet, with the rounds that were disturbed least", async () => {
    const { order, rounds } = await race([0.9, 0.9, 0.4, 0.4, 0.7, 0.7, 0.5, 0.5], 2);
    expect(order).toHaveLength(8);
    expect(rounds.map(({ disturbance }) => disturbance)).toEqual([0.4, 0.5]);
  });
});
