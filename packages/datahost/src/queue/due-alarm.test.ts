import { createManualClock } from "@aerostack/kernel";
import { describe, expect, test } from "vitest";
import { createDueAlarm } from "./due-alarm.ts";
import { createManualTimers } from "./manual-timers-test-support.ts";

function create() {
  const clock = createManualClock(1_000_000);
  const timers = createManualTimers(clock);
  const rung: string[] = [];
  const alarm = createDueAlarm({ clock, timers, onDue: (key) => rung.push(`${key}@${clock.now() - 1_000_000}`) });
  return { clock, timers, alarm, rung, at: (ms: number) => 1_000_000 + ms };
}

describe("due alarm", () => {
  test("rings once for each key, at its time, with one timer", () => {
    const { timers, alarm, rung, at } = create();
    alarm.set("b", at(200));
    alarm.set("a", at(100));
    alarm.set("c", at(200));
    expect(timers.pending).toBe(1);
    timers.advance(99);
    expect(rung).toEqual([]);
    timers.advance(1000);
    expect(rung).toEqual(["a@100", "b@200", "c@200"]);
    expect(timers.pending).toBe(0);
  });

  test("an earlier time wins over a later one", () => {
    const { timers, alarm, rung, at } = create();
    alarm.set("a", at(300));
    alarm.set("a", at(100));
    alarm.set("a", at(200));
    timers.advance(1000);
    expect(rung).toEqual(["a@100"]);
  });

  test("a time that is over rings at once, one that is far away rings then", () => {
    const { timers, alarm, rung, at } = create();
    alarm.set("past", at(-5));
    const days = 40 * 24 * 60 * 60 * 1000;
    alarm.set("far", at(days));
    timers.advance(0);
    expect(rung).toEqual(["past@0"]);
    timers.advance(days);
    expect(rung).toEqual(["past@0", `far@${days}`]);
  });

  test("what is cancelled does not ring", () => {
    const { timers, alarm, rung, at } = create();
    alarm.set("a", at(100));
    alarm.set("b", at(150));
    alarm.cancel("a");
    timers.advance(120);
    expect(rung).toEqual([]);
    alarm.cancelAll();
    timers.advance(1000);
    expect(rung).toEqual([]);
  });
});
