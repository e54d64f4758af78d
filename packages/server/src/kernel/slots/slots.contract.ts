// What all slots guarantee; run by the tests of each.
import { expect, it } from "vitest";
import type { Slots } from "./slots.ts";

export function testSlotsContract(open: () => Slots): void {
  it("gives out as many as the limit, and one again for each that comes back", async () => {
    const slots = open();
    expect([await slots.take("a", 2), await slots.take("a", 2), await slots.take("a", 2)]).toEqual([true, true, false]);
    expect([slots.held("a"), await slots.total("a")]).toEqual([2, 2]);
    slots.release("a");
    expect(slots.held("a")).toBe(1);
    expect([await slots.take("a", 2), await slots.take("a", 2)]).toEqual([true, false]);
    await slots.close();
  });

  it("keeps keys apart, and follows a limit that changes", async () => {
    const slots = open();
    expect([await slots.take("a", 1), await slots.take("b", 1)]).toEqual([true, true]);
    expect(await slots.take("a", 2)).toBe(true);
    expect(await slots.take("a", 1)).toBe(false);
    await slots.close();
  });

  it("gives out no more than the limit to those that ask at the same time", async () => {
    const slots = open();
    const taken = await Promise.all(Array.from({ length: 20 }, async () => await slots.take("a", 7)));
    expect(taken.filter(Boolean)).toHaveLength(7);
    expect(slots.held("a")).toBe(7);
    await slots.close();
  });
}
