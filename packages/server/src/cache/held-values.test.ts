import { LEASE_MS } from "@aerostack/datahost";
import { createManualClock } from "@aerostack/kernel";
import { expect, it } from "vitest";
import { createHeldValues } from "./held-values.ts";

function createWorld() {
  const clock = createManualClock(1_800_000_000_000);
  const held = createHeldValues<string>({ clock, monotonicMs: clock.now });
  const keep = (key: string, value: string, expiresAtMs: number | null = null, characters = value.length) =>
    held.begin("prj_a", key)({ value, expiresAtMs, characters });
  return { clock, held, keep };
}

it("a value is answered until its lease ends, which counts from the question", () => {
  const { clock, held } = createWorld();
  const keep = held.begin("prj_a", "default/k");
  clock.advance(1_000);
  keep({ value: "v", expiresAtMs: null, characters: 1 });
  expect(held.find("prj_a", "default/k")).toBe("v");
  expect(held.find("prj_b", "default/k")).toBeUndefined();
  clock.advance(LEASE_MS - 1_001);
  expect(held.find("prj_a", "default/k")).toBe("v");
  clock.advance(1);
  expect(held.find("prj_a", "default/k")).toBeUndefined();
});

it("a value with an end is not answered from its end on", () => {
  const { clock, held, keep } = createWorld();
  keep("default/k", "v", clock.now() + 10);
  clock.advance(9);
  expect(held.find("prj_a", "default/k")).toBe("v");
  clock.advance(1);
  expect(held.find("prj_a", "default/k")).toBeUndefined();
});

it("what is taken back is gone, and an answer that was under way meanwhile is not kept", () => {
  const { held, keep } = createWorld();
  keep("default/a", "1");
  keep("default/b", "2");
  const late = held.begin("prj_a", "default/c");
  held.letGo("prj_a", ["default/a"]);
  late({ value: "old", expiresAtMs: null, characters: 3 });
  expect(held.find("prj_a", "default/a")).toBeUndefined();
  expect(held.find("prj_a", "default/b")).toBe("2");
  expect(held.find("prj_a", "default/c")).toBeUndefined();
  held.letGo("prj_a", null);
  expect(held.find("prj_a", "default/b")).toBeUndefined();
  keep("default/d", "3");
  held.letGo(null, null);
  expect(held.find("prj_a", "default/d")).toBeUndefined();
});

it("memory is bounded: what does not fit begins anew", () => {
  const { held, keep } = createWorld();
  const eightMillion = 8 * 1024 * 1024;
  keep("default/a", "a", null, eightMillion);
  keep("default/b", "b", null, eightMillion);
  expect([held.find("prj_a", "default/a"), held.find("prj_a", "default/b")]).toEqual([undefined, "b"]);
});
