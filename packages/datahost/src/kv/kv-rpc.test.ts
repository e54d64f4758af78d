import { AerostackError } from "@aerostack/contracts/errors";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { StateDatabases } from "../state/state-databases.ts";
import { createTestState, type TestState } from "../state/state-test-support.ts";
import { createKvRpc } from "./kv-rpc.ts";
import { createKvSweeper } from "./kv-sweeper.ts";

const scope = { projectId: "prj_a", namespace: "default" };

describe("KV calls of the server", () => {
  let state: TestState;
  let states: StateDatabases;
  let kv: ReturnType<typeof createKvRpc>;
  const text = async (key: string) => kv["kv.get"]({ ...scope, key })?.value ?? null;

  beforeEach(() => {
    state = createTestState();
    states = state.open();
    kv = createKvRpc({ states, clock: state.clock, leases: state.leases });
  });
  afterEach(() => {
    states.close();
    state.remove();
  });

  test("text, bytes and metadata come back", async () => {
    await kv["kv.put"]({ ...scope, key: "t", value: "é", metadata: { a: 1 }, ttlSeconds: 5 });
    expect(kv["kv.get"]({ ...scope, key: "t" })).toEqual({
      value: "é",
      metadata: { a: 1 },
      expiresAt: state.clock.now() + 5000,
    });
    await kv["kv.put"]({ ...scope, key: "b", value: { $bytes: "AP8=" } });
    expect(kv["kv.get"]({ ...scope, key: "b", encoding: "bytes" })).toMatchObject({
      value: { $bytes: "AP8=" },
      metadata: null,
    });
    expect(kv["kv.get"]({ ...scope, key: "none" })).toBeNull();
  });

  test("projects and namespaces do not see each other", async () => {
    await kv["kv.put"]({ ...scope, key: "k", value: "v" });
    expect(kv["kv.get"]({ projectId: "prj_b", namespace: "default", key: "k" })).toBeNull();
    expect(kv["kv.get"]({ projectId: "prj_a", namespace: "other", key: "k" })).toBeNull();
  });

  test("putMany stores all or, where one entry is not valid, none", async () => {
    const entries = [
      { key: "a", value: "1" },
      { key: "b", value: "2", ttlSeconds: 9 },
    ];
    expect(await kv["kv.putMany"]({ ...scope, entries })).toEqual({ count: 2 });
    await expect(async () =>
      kv["kv.putMany"]({
        ...scope,
        entries: [
          { key: "c", value: "3" },
          { key: "", value: "4" },
        ],
      }),
    ).rejects.toMatchObject({ code: "KEY_INVALID" });
    expect(kv["kv.getMany"]({ ...scope, keys: ["b", "c", "a"] }).values.map((found) => found?.value)).toEqual([
      "2",
      undefined,
      "1",
    ]);
  });

  test("deleteMany counts what was there", async () => {
    await kv["kv.put"]({ ...scope, key: "a", value: "1" });
    await kv["kv.put"]({ ...scope, key: "b", value: "1", ttlSeconds: 1 });
    state.clock.advance(1000);
    expect(await kv["kv.deleteMany"]({ ...scope, keys: ["a", "a", "b", "c"] })).toEqual({ deleted: 1 });
    expect(await kv["kv.delete"]({ ...scope, key: "a" })).toEqual({ deleted: false });
  });

  test("flush deletes a prefix and nothing else, however many keys", async () => {
    for (let i = 0; i < 5; i++) {
      const entries = Array.from({ length: 900 }, (_, j) => ({ key: `p:${i}:${j}`, value: "" }));
      await kv["kv.putMany"]({ ...scope, entries });
    }
    await kv["kv.put"]({ ...scope, key: "q", value: "stays" });
    await kv["kv.put"]({ ...scope, namespace: "other", key: "p:1", value: "stays" });
    expect(await kv["kv.flush"]({ ...scope, prefix: "p:" })).toEqual({ deleted: 4500 });
    expect(kv["kv.list"](scope)).toEqual({ keys: [{ name: "q", metadata: null, expiresAt: null }], cursor: null });
    expect(kv["kv.namespaces"]({ projectId: "prj_a" })).toEqual({
      namespaces: [{ name: "default" }, { name: "other" }],
    });
    expect(await kv["kv.flush"](scope)).toEqual({ deleted: 1 });
  });

  test("expire changes when an entry ends, and only of one that is there", async () => {
    await kv["kv.put"]({ ...scope, key: "k", value: "v" });
    expect(await kv["kv.expire"]({ ...scope, key: "k", ttlSeconds: 10 })).toEqual({ found: true });
    state.clock.advance(9999);
    expect(await text("k")).toBe("v");
    state.clock.advance(1);
    expect(await text("k")).toBeNull();
    expect(await kv["kv.expire"]({ ...scope, key: "k", ttlSeconds: 10 })).toEqual({ found: false });
    expect(await text("k")).toBeNull();
  });

  test("increments at once all count", async () => {
    const results = await Promise.all(Array.from({ length: 50 }, () => kv["kv.increment"]({ ...scope, key: "n" })));
    expect(results.map((result) => result.value).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, i) => i + 1),
    );
    expect(await text("n")).toBe("50");
  });

  test("a counter starts from its initial value with its time to live, and keeps both", async () => {
    expect(await kv["kv.increment"]({ ...scope, key: "n", amount: -2.5, initialValue: 10, ttlSeconds: 60 })).toEqual({
      value: 7.5,
    });
    state.clock.advance(30_000);
    expect(await kv["kv.increment"]({ ...scope, key: "n", initialValue: 99, ttlSeconds: 60 })).toEqual({ value: 8.5 });
    state.clock.advance(30_000);
    expect(await kv["kv.increment"]({ ...scope, key: "n" })).toEqual({ value: 1 });
  });

  test("incrementing what is not a number is a conflict and changes nothing", async () => {
    for (const value of ["abc", "", "{}", "1e999", " "]) {
      await kv["kv.put"]({ ...scope, key: "n", value });
      await expect(kv["kv.increment"]({ ...scope, key: "n" })).rejects.toMatchObject({ code: "CONFLICT" });
      expect(await text("n")).toBe(value);
    }
  });

  test("an increment that fails does not disturb the writes that share its commit", async () => {
    await kv["kv.put"]({ ...scope, key: "bad", value: "x" });
    const results = await Promise.allSettled([
      kv["kv.put"]({ ...scope, key: "one", value: "1" }),
      kv["kv.increment"]({ ...scope, key: "bad" }),
      kv["kv.put"]({ ...scope, key: "two", value: "2" }),
    ]);
    expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect([await text("one"), await text("two")]).toEqual(["1", "2"]);
  });

  test.each([
    ["kv.get", { key: "" }, "KEY_INVALID"],
    ["kv.get", { key: "x".repeat(513) }, "KEY_INVALID"],
    ["kv.get", { key: "k", namespace: "../x" }, "VALIDATION_ERROR"],
    ["kv.put", { key: "k", value: "v", ttlSeconds: 0 }, "VALIDATION_ERROR"],
    ["kv.put", { key: "k", value: "v", ttlSeconds: 1.5 }, "VALIDATION_ERROR"],
    ["kv.put", { key: "k", value: "x".repeat(25 * 1024 * 1024 + 1) }, "VALUE_TOO_LARGE"],
    ["kv.put", { key: "k", value: "v", metadata: "x".repeat(1100) }, "VALUE_TOO_LARGE"],
    ["kv.list", { limit: 1001 }, "VALIDATION_ERROR"],
    ["kv.list", { cursor: "nonsense" }, "VALIDATION_ERROR"],
    ["kv.deleteMany", { keys: [] }, "VALIDATION_ERROR"],
  ] as const)("%s of %j is refused", async (method, params, code) => {
    const handler = kv[method] as (params: unknown) => unknown;
    const error = await Promise.resolve()
      .then(() => handler({ ...scope, ...params }))
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AerostackError);
    expect(error).toMatchObject({ code });
  });

  test("a cursor cannot lead out of its prefix", async () => {
    await kv["kv.put"]({ ...scope, key: "a", value: "" });
    await kv["kv.put"]({ ...scope, key: "p1", value: "" });
    const forged = Buffer.from(JSON.stringify([""])).toString("base64url");
    expect(kv["kv.list"]({ ...scope, prefix: "p", cursor: forged }).keys.map((key) => key.name)).toEqual(["p1"]);
  });

  test("the sweep removes what is left of expired entries, and nothing else", async () => {
    const entries = Array.from({ length: 1000 }, (_, i) => ({ key: `e${i}`, value: "", ttlSeconds: 10 }));
    await kv["kv.putMany"]({ ...scope, entries });
    await kv["kv.putMany"]({ ...scope, namespace: "other", entries });
    await kv["kv.put"]({ ...scope, key: "later", value: "", ttlSeconds: 11 });
    await kv["kv.put"]({ ...scope, key: "never", value: "" });
    const sweeper = createKvSweeper({ states, clock: state.clock });
    expect(await sweeper.sweep()).toBe(0);
    state.clock.advance(10_000);
    expect(await sweeper.sweep()).toBe(2000);
    expect(states.read("prj_a").prepare("SELECT key FROM kv_entries ORDER BY key").pluck().all()).toEqual([
      "later",
      "never",
    ]);
  });
});
