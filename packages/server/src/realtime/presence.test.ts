import { createManualClock } from "@aerostack/kernel";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createMemoryBus } from "../kernel/bus/memory-bus.ts";
import { createPresence } from "./presence.ts";

const REFRESH_MS = 15_000;
const LOST_AFTER_MS = 45_000;
const ADA = { key: "ada", userId: "ada", state: { mood: "good" } };

beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }));
afterEach(() => void vi.useRealTimers());

/** Two servers on one bus, whose clocks and timers move together. */
function startServers() {
  const bus = createMemoryBus();
  const clock = createManualClock(Date.UTC(2026, 5, 1));
  const start = (node: string) => {
    const told: string[] = [];
    const presence = createPresence({
      bus,
      now: clock.now,
      node,
      announce: (topic, event, { key }) => void told.push(`${topic} ${event} ${key}`),
    });
    return { ...presence, told };
  };
  /** The bus brings its messages in a turn of their own. */
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  async function pass(ms: number): Promise<void> {
    await turn();
    for (let passed = 0; passed < ms; passed += REFRESH_MS) {
      clock.advance(REFRESH_MS);
      vi.advanceTimersByTime(REFRESH_MS);
      await turn();
    }
  }
  return { here: start("here"), there: start("there"), pass };
}

describe("presence on several servers", () => {
  it("lasts as long as the member's server says so, however long that is", async () => {
    const { here, there, pass } = startServers();
    there.track("room", "con_1", ADA);
    await pass(20 * LOST_AFTER_MS);
    expect(here.members("room")).toEqual([ADA]);
    expect(here.told).toEqual(["room presence:join ada"]);
  });

  it("ends, and is told to have ended, within a minute of the last word of a server that was killed", async () => {
    const { here, there, pass } = startServers();
    there.track("room", "con_1", ADA);
    // It says nothing any more, and nothing of leaving either.
    there.close();
    await pass(LOST_AFTER_MS - REFRESH_MS);
    expect(here.members("room")).toEqual([ADA]);
    await pass(2 * REFRESH_MS);
    expect(here.members("room")).toEqual([]);
    expect(here.told).toEqual(["room presence:join ada", "room presence:leave ada"]);
  });

  it("goes on without a word of leaving for a member who is back on another server by then", async () => {
    const { here, there, pass } = startServers();
    there.track("room", "con_1", ADA);
    there.close();
    here.track("room", "con_2", ADA);
    await pass(LOST_AFTER_MS + REFRESH_MS);
    expect(here.members("room")).toEqual([ADA]);
    expect(here.told).toEqual(["room presence:join ada"]);
  });
});
