import { createManualClock } from "@aerostack/kernel";
import { describe, expect, it } from "vitest";
import { describeEachControlDatabase } from "../../testing-database.ts";
import { createMemoryBus } from "../bus/memory-bus.ts";
import { type ChangeFeed, createChangeFeed, MAX_STALENESS_MS } from "./change-feed.ts";
import { createKeyedSnapshot } from "./keyed-snapshot.ts";

/** A table and a change feed that the test drives. */
function setUp() {
  const stored = new Map<string, string>();
  const handlers: ((subjects: readonly string[] | null) => void)[] = [];
  const asked: (readonly string[] | null)[] = [];
  const state = { gate: Promise.resolve(), fails: false };
  const changes: ChangeFeed = {
    commit: () => Promise.reject(new Error("not used")),
    ensureFresh: () => true,
    onChange: (handler) => void handlers.push(handler),
    version: 0,
  };
  const snapshot = createKeyedSnapshot({
    changes,
    subjectPrefix: "thing:",
    async load(keys) {
      asked.push(keys);
      const found = new Map([...stored].filter(([key]) => keys === null || keys.includes(key)));
      await state.gate;
      if (state.fails) throw new Error("away");
      return found;
    },
  });
  const announce = (subjects: readonly string[] | null) => {
    for (const handler of handlers) handler(subjects);
  };
  return { stored, asked, state, snapshot, announce };
}

describe("a snapshot of a table", () => {
  it("is read once, and answers keys that are not in it without asking again", async () => {
    const { stored, asked, snapshot } = setUp();
    stored.set("a", "1");
    expect(await snapshot.find("a")).toBe("1");
    for (let n = 0; n < 100; n++) expect(snapshot.find(`made up ${n}`)).toBeNull();
    expect(snapshot.find("a")).toBe("1");
    expect(asked).toEqual([null]);
  });

  it("reads only what a change names, and not for changes of anything else", async () => {
    const { stored, asked, snapshot, announce } = setUp();
    await snapshot.find("a");
    stored.set("b", "2");
    announce(["thing:b", "key:k1"]);
    expect(snapshot.find("a")).toBeNull();
    expect(await snapshot.find("b")).toBe("2");
    stored.delete("b");
    announce(["thing:b"]);
    expect(await snapshot.find("b")).toBeNull();
    announce(["key:k1"]);
    expect(snapshot.find("b")).toBeNull();
    expect(asked).toEqual([null, ["b"], ["b"]]);
  });

  it("does not answer what was read before a change that became known meanwhile", async () => {
    const { stored, state, snapshot, announce } = setUp();
    stored.set("a", "old");
    let open = () => {};
    state.gate = new Promise((resolve) => {
      open = resolve;
    });
    const answer = snapshot.find("a");
    stored.set("a", "new");
    announce(["thing:a"]);
    open();
    expect(await answer).toBe("new");
  });

  it("lets others wait for a read that is under way", async () => {
    const { stored, asked, snapshot } = setUp();
    stored.set("a", "1");
    const answers = await Promise.all([snapshot.find("a"), snapshot.find("a"), snapshot.all()]);
    expect(answers.slice(0, 2)).toEqual(["1", "1"]);
    expect(asked).toHaveLength(1);
  });

  it("refuses while the table cannot be read, and reads it afterwards", async () => {
    const { stored, state, snapshot } = setUp();
    stored.set("a", "1");
    state.fails = true;
    await expect(snapshot.find("a")).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
    state.fails = false;
    expect(await snapshot.find("a")).toBe("1");
  });

  it("reads everything when too much changed, and forgets what is gone", async () => {
    const { stored, asked, snapshot, announce } = setUp();
    stored.set("a", "1");
    expect((await snapshot.all()).size).toBe(1);
    const before = snapshot.revision;
    stored.clear();
    announce(Array.from({ length: 2_000 }, (_, n) => `thing:${n}`));
    expect(await snapshot.find("a")).toBeNull();
    expect((await snapshot.all()).size).toBe(0);
    expect(snapshot.revision).toBeGreaterThan(before);
    expect(asked).toEqual([null, null]);
  });
});

describeEachControlDatabase("a snapshot beside the real change feed", (openDatabase) => {
  it("shows another server's change within a second", async () => {
    const sql = await openDatabase();
    const clock = createManualClock(1_000_000_000);
    const feeds = [0, 1].map(() => createChangeFeed({ sql, clock, bus: createMemoryBus() }));
    const [here, there] = feeds as [ChangeFeed, ChangeFeed];
    const stored = new Map([["a", "old"]]);
    const snapshot = createKeyedSnapshot({
      changes: there,
      subjectPrefix: "thing:",
      load: async () => new Map(stored),
    });
    expect(await snapshot.find("a")).toBe("old");
    await here.commit(sql, ["thing:a"], async () => void stored.set("a", "new"));
    clock.advance(MAX_STALENESS_MS);
    expect(await snapshot.find("a")).toBe("new");
  });
});
