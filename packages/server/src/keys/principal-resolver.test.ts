import { AerostackError } from "@aerostack/contracts";
import { createManualClock } from "@aerostack/kernel";
import { describe, expect, it } from "vitest";
import type { ChangeFeed } from "../kernel/change-feed/change-feed.ts";
import type { Principal, ResolvedCredential } from "./principal.ts";
import { createPrincipalResolver } from "./principal-resolver.ts";

function accountKey(id: string): ResolvedCredential<Principal> {
  return {
    principal: { kind: "account", accountId: "usr_1", isAdmin: false, via: "key", credentialId: id, access: new Map() },
    expiresAtMs: null,
    subjects: [`key:${id}`, "account:usr_1"],
  };
}

/** A store of credentials and a change feed that the test drives. */
function setUp(maxEntries?: number) {
  const clock = createManualClock(1_000_000);
  const stored = new Map<string, ResolvedCredential<Principal>>();
  const handlers: ((subjects: readonly string[] | null) => void)[] = [];
  const state = { queries: 0, version: 0, fresh: true as true | Promise<void>, gate: Promise.resolve() };
  const changes: ChangeFeed = {
    commit: () => Promise.reject(new Error("not used")),
    ensureFresh: () => state.fresh,
    onChange: (handler) => void handlers.push(handler),
    get version() {
      return state.version;
    },
  };
  const resolver = createPrincipalResolver({
    clock,
    changes,
    find: async (credential) => {
      state.queries++;
      const found = stored.get(credential) ?? null;
      await state.gate;
      return found;
    },
    ...(maxEntries === undefined ? {} : { maxEntries }),
  });
  const announce = (subjects: readonly string[] | null) => {
    state.version++;
    for (const handler of handlers) handler(subjects);
  };
  return { clock, stored, state, resolver, announce };
}

describe("the principal resolver", () => {
  it("answers a known key at once and without the store", async () => {
    const { stored, state, resolver } = setUp();
    stored.set("ak_1", accountKey("k1"));
    expect(await resolver.resolve("ak_1")).toMatchObject({ credentialId: "k1" });
    for (let call = 0; call < 100; call++) expect(resolver.resolve("ak_1")).toMatchObject({ credentialId: "k1" });
    expect(state.queries).toBe(1);
  });

  it("asks the store once for many simultaneous first uses", async () => {
    const { stored, state, resolver } = setUp();
    stored.set("ak_1", accountKey("k1"));
    await Promise.all(Array.from({ length: 50 }, async () => await resolver.resolve("ak_1")));
    expect(state.queries).toBe(1);
  });

  it("forgets a key when a change names it or its account, and keeps the others", async () => {
    const { stored, state, resolver, announce } = setUp();
    stored.set("ak_1", accountKey("k1"));
    stored.set("ak_2", accountKey("k2"));
    await resolver.resolve("ak_1");
    await resolver.resolve("ak_2");
    stored.delete("ak_1");
    announce(["key:k1"]);
    expect(await resolver.resolve("ak_1")).toBeNull();
    expect(resolver.resolve("ak_2")).toMatchObject({ credentialId: "k2" });
    announce(["account:usr_1"]);
    await resolver.resolve("ak_2");
    expect(state.queries).toBe(4);
  });

  it("does not keep what was read while a change became known", async () => {
    const { stored, state, resolver, announce } = setUp();
    stored.set("ak_1", accountKey("k1"));
    let open = () => {};
    state.gate = new Promise((resolve) => {
      open = resolve;
    });
    const reading = resolver.resolve("ak_1");
    stored.delete("ak_1");
    announce(["key:k1"]);
    open();
    await reading;
    expect(await resolver.resolve("ak_1")).toBeNull();
  });

  it("forgets everything when it cannot know what changed", async () => {
    const { stored, state, resolver, announce } = setUp();
    stored.set("ak_1", accountKey("k1"));
    await resolver.resolve("ak_1");
    announce(null);
    await resolver.resolve("ak_1");
    expect(state.queries).toBe(2);
  });

  it("refuses rather than serve what may be stale when the database does not answer", async () => {
    const { stored, state, resolver } = setUp();
    stored.set("ak_1", accountKey("k1"));
    await resolver.resolve("ak_1");
    state.fresh = Promise.reject(new AerostackError("SERVICE_UNAVAILABLE"));
    await expect(resolver.resolve("ak_1")).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
  });

  it("asks the store for an unknown key once a second at most", async () => {
    const { clock, state, resolver } = setUp();
    expect(await resolver.resolve("ak_wrong")).toBeNull();
    for (let call = 0; call < 100; call++) expect(resolver.resolve("ak_wrong")).toBeNull();
    expect(state.queries).toBe(1);
    clock.advance(1_000);
    await resolver.resolve("ak_wrong");
    expect(state.queries).toBe(2);
  });

  it("keeps no more keys than it may", async () => {
    const { stored, state, resolver } = setUp(2);
    for (const name of ["1", "2", "3"]) {
      stored.set(`ak_${name}`, accountKey(name));
      await resolver.resolve(`ak_${name}`);
    }
    expect(resolver.resolve("ak_3")).toMatchObject({ credentialId: "3" });
    await resolver.resolve("ak_1");
    expect(state.queries).toBe(4);
  });

  it("gives sessions no entrance where keys are asked for", async () => {
    const { stored, resolver } = setUp();
    const session = accountKey("s1");
    stored.set("eyJ.a.b", { ...session, principal: { ...session.principal, via: "session" } as never });
    expect(await resolver.resolveKey("eyJ.a.b")).toBeNull();
    expect(await resolver.resolve("eyJ.a.b")).toMatchObject({ via: "session" });
  });

  it("reports each use once, also of a key that was forgotten since", async () => {
    const { clock, stored, resolver, announce } = setUp();
    stored.set("ak_1", accountKey("k1"));
    stored.set("ak_2", accountKey("k2"));
    await resolver.resolve("ak_1");
    clock.advance(10);
    await resolver.resolve("ak_2");
    announce(["key:k1"]);
    expect([...resolver.takeUses()]).toEqual([
      ["k1", { atMs: 1_000_000, ip: null }],
      ["k2", { atMs: 1_000_010, ip: null }],
    ]);
    clock.advance(10);
    expect([...resolver.takeUses()]).toEqual([]);
  });
});
