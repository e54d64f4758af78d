import { describe, expect, test } from "vitest";
import { createKvLeases, type HeldKey, LEASE_MS, MAX_HELD_VALUE_BYTES } from "./kv-leases.ts";

const scope = { projectId: "prj_a", namespace: "default" };

function createWorld() {
  let now = 0;
  const timers = new Set<{ at: number; run: () => void }>();
  const asked: { projectId: string; keys: readonly HeldKey[] | null; answer: () => void; fail: () => void }[] = [];
  const leases = createKvLeases({
    now: () => now,
    after(delayMs, run) {
      const timer = { at: now + delayMs, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    letGo: (projectId, keys) =>
      new Promise((resolve, reject) => {
        asked.push({ projectId, keys, answer: () => resolve(null), fail: () => reject(new Error("gone")) });
      }),
  });
  /** Says when the write has been answered. */
  function write(keys: readonly string[] | null, commit: () => Promise<unknown> = async () => "done") {
    const state = { isAnswered: false };
    const answered = leases.write(scope, keys, commit).finally(() => {
      state.isAnswered = true;
    });
    answered.catch(() => {});
    return { answered, state };
  }
  return {
    leases,
    asked,
    write,
    timers,
    pass(ms: number) {
      now += ms;
      for (const timer of [...timers].filter(({ at }) => at <= now)) {
        timers.delete(timer);
        timer.run();
      }
    },
  };
}

/** Lets every promise that can settle do so. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("values that the server holds", () => {
  test("a write of one is answered when the server has let go of it, and not before", async () => {
    const { leases, asked, write, timers } = createWorld();
    expect(leases.grant("prj_a", "default", "k", 10)).toBe(true);
    const { answered, state } = write(["other", "k"]);
    await settle();
    expect(asked).toMatchObject([{ projectId: "prj_a", keys: ["default/other", "default/k"] }]);
    expect(state.isAnswered).toBe(false);
    asked[0]?.answer();
    expect(await answered).toBe("done");
    expect(timers.size).toBe(0);
    await write(["k"]).answered;
    expect(asked).toHaveLength(1);
  });

  test("a write of what nobody holds asks nobody", async () => {
    const { leases, asked, write } = createWorld();
    leases.grant("prj_a", "other", "k", 10);
    leases.grant("prj_b", "default", "k", 10);
    await write(["k"]).answered;
    expect(asked).toEqual([]);
  });

  test("a server that does not answer, or is gone, holds a write up until its lease has ended", async () => {
    for (const fails of [false, true]) {
      const { leases, asked, write, pass } = createWorld();
      leases.grant("prj_a", "default", "k", 10);
      pass(1_000);
      const { answered, state } = write(["k"]);
      await settle();
      if (fails) asked[0]?.fail();
      pass(LEASE_MS - 1_001);
      await settle();
      expect(state.isAnswered).toBe(false);
      pass(1);
      await answered;
    }
  });

  test("a lease that has ended holds nothing up", async () => {
    const { leases, asked, write, pass } = createWorld();
    leases.grant("prj_a", "default", "k", 10);
    pass(LEASE_MS);
    await write(["k"]).answered;
    expect(asked).toEqual([]);
  });

  test("are let go of after a write that failed too: it may have been done", async () => {
    const { leases, asked, write } = createWorld();
    leases.grant("prj_a", "default", "k", 10);
    const { answered } = write(["k"], async () => {
      throw new Error("disk");
    });
    await settle();
    asked[0]?.answer();
    await expect(answered).rejects.toThrow("disk");
    expect(asked).toHaveLength(1);
  });

  test("a write of an unknown number of keys, and the end of a project, take all of its back", async () => {
    const { leases, asked, write } = createWorld();
    leases.grant("prj_a", "default", "k", 10);
    const flush = write(null);
    await settle();
    expect(asked).toMatchObject([{ projectId: "prj_a", keys: null }]);
    asked[0]?.answer();
    await flush.answered;
    leases.grant("prj_a", "default", "k", 10);
    const forgotten = leases.forgetProject("prj_a");
    asked[1]?.answer();
    await forgotten;
  });

  test("are small and of a bounded number; those whose time is over make room", async () => {
    const { leases, pass } = createWorld();
    expect(leases.grant("prj_a", "default", "k", MAX_HELD_VALUE_BYTES + 1)).toBe(false);
    let granted = 0;
    while (leases.grant("prj_a", "default", `k${granted}`, 1)) granted++;
    expect(granted).toBe(20_000);
    expect(leases.grant("prj_b", "default", "k", 1)).toBe(false);
    pass(LEASE_MS);
    expect(leases.grant("prj_b", "default", "k", 1)).toBe(true);
  });
});
