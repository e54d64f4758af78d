import { AerostackError } from "@aerostack/contracts";
import { createManualClock } from "@aerostack/kernel";
import { describe, expect, it } from "vitest";
import { createCachedLookup, type Finding } from "./cached-lookup.ts";

function setUp(maxEntries?: number) {
  const clock = createManualClock(1_000_000);
  const stored = new Map<string, Finding<string>>();
  const handlers: ((subjects: readonly string[] | null) => void)[] = [];
  const state = { queries: 0, fresh: true as true | Promise<void>, version: 0, gate: Promise.resolve() };
  const lookup = createCachedLookup<string>({
    clock,
    changes: {
      commit: () => Promise.reject(new Error("not used")),
      ensureFresh: () => state.fresh,
      onChange: (handler) => void handlers.push(handler),
      get version() {
        return state.version;
      },
    },
    async find(key) {
      state.queries++;
      const found = stored.get(key) ?? null;
      await state.gate;
      return found;
    },
    ...(maxEntries === undefined ? {} : { maxEntries }),
  });
  function announce(subjects: readonly string[] | null): void {
    state.version++;
    for (const handler of handlers) handler(subjects);
  }
  const finding = (value: string, expiresAtMs: number | null = null): Finding<string> => ({
    value,
    expiresAtMs,
    subjects: [`thing:${value}`],
  });
  return { clock, stored, state, lookup, announce, finding };
}

describe("a cached look-up", () => {
  it("asks the store once and answers at once afterwards, until a change is announced", async () => {
    const { stored, state, lookup, announce, finding } = setUp();
    stored.set("a", finding("1"));
    expect(await Promise.all([lookup.find("a"), lookup.find("a")])).toEqual(["1", "1"]);
    expect(lookup.find("a")).toBe("1");
    announce(["thing:other"]);
    expect(lookup.find("a")).toBe("1");
    expect(state.queries).toBe(1);
    stored.set("a", finding("2"));
    announce(["thing:1"]);
    expect(await lookup.find("a")).toBe("2");
    stored.delete("a");
    announce(null);
    expect(await lookup.find("a")).toBeNull();
  });

  it("gives nothing that has expired", async () => {
    const { clock, stored, lookup, finding } = setUp();
    stored.set("a", finding("1", 1_000_500));
    expect(await lookup.find("a")).toBe("1");
    clock.advance(500);
    expect(await lookup.find("a")).toBeNull();
  });

  it("does not keep what was read while a change became known", async () => {
    const { stored, state, lookup, announce, finding } = setUp();
    stored.set("a", finding("1"));
    let open = () => {};
    state.gate = new Promise((resolve) => {
      open = resolve;
    });
    const reading = lookup.find("a");
    stored.delete("a");
    announce(["thing:1"]);
    open();
    await reading;
    expect(await lookup.find("a")).toBeNull();
  });

  it("asks the store for what is absent once a second at most, and again when it may have come", async () => {
    const { clock, stored, state, lookup, announce, finding } = setUp();
    expect(await lookup.find("a")).toBeNull();
    for (let call = 0; call < 100; call++) expect(lookup.find("a")).toBeNull();
    expect(state.queries).toBe(1);
    clock.advance(1_000);
    await lookup.find("a");
    expect(state.queries).toBe(2);
    stored.set("a", finding("1"));
    announce(["thing:1"]);
    expect(await lookup.find("a")).toBe("1");
  });

  it("keeps no more than it may, and forgets what was found longest ago", async () => {
    const { stored, state, lookup, finding } = setUp(2);
    for (const name of ["1", "2", "3"]) {
      stored.set(name, finding(name));
      await lookup.find(name);
    }
    expect(lookup.find("3")).toBe("3");
    await lookup.find("1");
    expect(state.queries).toBe(4);
  });

  it("refuses rather than give what may be stale when the database does not answer", async () => {
    const { stored, state, lookup, finding } = setUp();
    stored.set("a", finding("1"));
    await lookup.find("a");
    state.fresh = Promise.reject(new AerostackError("SERVICE_UNAVAILABLE"));
    await expect(lookup.find("a")).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
  });
});
