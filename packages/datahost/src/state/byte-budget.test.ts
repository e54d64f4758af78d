import { describe, expect, test } from "vitest";
import { createByteBudget } from "./byte-budget.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("byte budget", () => {
  test("who finds no room waits for earlier requests of its own project only, in order", async () => {
    const budget = createByteBudget(100);
    const started: string[] = [];
    const take = (owner: string, bytes: number, name: string) =>
      budget.take(owner, bytes).then((give) => {
        started.push(name);
        return give;
      });
    const first = await take("a", 60, "a1");
    const second = take("a", 60, "a2");
    const third = take("a", 10, "a3");
    await take("b", 100, "b1");
    await turn();
    expect(started).toEqual(["a1", "b1"]);
    first();
    (await second)();
    (await third)();
    expect(started).toEqual(["a1", "b1", "a2", "a3"]);
  });

  test("more than the whole budget is refused at once", async () => {
    await expect(createByteBudget(10).take("a", 11)).rejects.toThrow(RangeError);
  });
});
