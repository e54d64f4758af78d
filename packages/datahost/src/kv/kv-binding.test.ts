import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StateDatabases } from "../state/state-databases.ts";
import { createTestState } from "../state/state-test-support.ts";
import { startWorkerd, type WorkerdUnderTest } from "../state/workerd-test-support.ts";
import { createKvBinding } from "./kv-binding.ts";

describe("KV binding in workerd", () => {
  const state = createTestState();
  let states: StateDatabases;
  let workerd: WorkerdUnderTest;
  const run = <T>(body: string, input?: unknown): Promise<T> => workerd.run<T>(body, input);
  const nowSeconds = () => Math.floor(state.clock.now() / 1000);

  beforeAll(async () => {
    states = state.open();
    const handler = createKvBinding({ states, clock: state.clock, leases: state.leases });
    workerd = await startWorkerd([
      { name: "CACHE", kind: "kvNamespace", resource: "default", handler },
      { name: "OTHER", kind: "kvNamespace", resource: "other", handler },
    ]);
  });
  afterAll(async () => {
    await workerd.close();
    states.close();
    state.remove();
  });

  test("a value comes back as text, JSON, bytes and stream", async () => {
    expect(
      await run(`
        await env.CACHE.put("k", '{"a":1}');
        return {
          text: await env.CACHE.get("k"),
          json: await env.CACHE.get("k", "json"),
          bytes: [...new Uint8Array(await env.CACHE.get("k", "arrayBuffer"))].length,
          stream: await new Response(await env.CACHE.get("k", { type: "stream" })).text(),
        };`),
    ).toEqual({ text: '{"a":1}', json: { a: 1 }, bytes: 7, stream: '{"a":1}' });
  });

  test("values may be empty, binary, or a stream of unknown length", async () => {
    expect(
      await run(`
        await env.CACHE.put("empty", "");
        await env.CACHE.put("bytes", new Uint8Array([0, 255, 128]));
        const { readable, writable } = new TransformStream();
        const writer = writable.getWriter();
        const written = (async () => { await writer.write(new TextEncoder().encode("str")); await writer.write(new TextEncoder().encode("eam")); await writer.close(); })();
        await env.CACHE.put("stream", readable);
        await written;
        return [await env.CACHE.get("empty"), [...new Uint8Array(await env.CACHE.get("bytes", "arrayBuffer"))], await env.CACHE.get("stream")];`),
    ).toEqual(["", [0, 255, 128], "stream"]);
  });

  test("what is not there is null", async () => {
    expect(
      await run(
        `return [await env.CACHE.get("none"), await env.CACHE.getWithMetadata("none"), await env.CACHE.delete("none")];`,
      ),
    ).toEqual([null, { value: null, metadata: null, cacheStatus: null }, null]);
  });

  test("a write is seen by the next read, and a deleted key is gone", async () => {
    expect(
      await run(`
        const seen = [];
        for (let i = 0; i < 20; i++) {
          await env.CACHE.put("same", String(i));
          seen.push(await env.CACHE.get("same"));
        }
        await env.CACHE.delete("same");
        return [seen.every((value, i) => value === String(i)), await env.CACHE.get("same")];`),
    ).toEqual([true, null]);
  });

  test.each(["a/b?c=d&e#f", "ключ 😀", "with space+plus%25", "a\u0000b\u007f", "__proto__", "7", "x".repeat(512)])(
    "key %j is its own",
    async (key) => {
      expect(
        await run(
          `await env.CACHE.put(input, "value"); const list = await env.CACHE.list({ prefix: input });
           const bulk = await env.CACHE.get([input]);
           return [await env.CACHE.get(input), list.keys.map((key) => key.name), bulk.size];`,
          key,
        ),
      ).toEqual(["value", [key], key === "7" ? expect.any(Number) : 1]);
    },
  );

  test("metadata comes back on getWithMetadata and list", async () => {
    const metadata = { ключ: ["😀", "line\nbreak"], n: 1 };
    expect(
      await run(
        `await env.CACHE.put("meta", "v", { metadata: input });
         const { keys } = await env.CACHE.list({ prefix: "meta" });
         return [await env.CACHE.getWithMetadata("meta"), keys];`,
        metadata,
      ),
    ).toEqual([{ value: "v", metadata, cacheStatus: null }, [{ name: "meta", metadata }]]);
  });

  test("an entry is invisible from the second it expires", async () => {
    await run(
      `await env.CACHE.put("ttl", "v", { expirationTtl: 60 }); await env.CACHE.put("at", "v", { expiration: input })`,
      nowSeconds() + 90,
    );
    const look = `const { keys } = await env.CACHE.list(); return [await env.CACHE.get("ttl"), await env.CACHE.get("at"), keys.filter((key) => key.expiration)]`;
    const start = nowSeconds();
    expect(await run(look)).toEqual([
      "v",
      "v",
      [
        { name: "at", expiration: start + 90 },
        { name: "ttl", expiration: start + 60 },
      ],
    ]);
    state.clock.advance(60_000);
    expect(await run(look)).toEqual([null, "v", [{ name: "at", expiration: start + 90 }]]);
    state.clock.advance(30_000);
    expect(await run(look)).toEqual([null, null, []]);
  });

  test("a plain put ends an earlier expiry and metadata", async () => {
    await run(
      `await env.CACHE.put("again", "1", { expirationTtl: 60, metadata: 1 }); await env.CACHE.put("again", "2");`,
    );
    state.clock.advance(120_000);
    expect(await run(`return env.CACHE.getWithMetadata("again")`)).toEqual({
      value: "2",
      metadata: null,
      cacheStatus: null,
    });
  });

  test("list pages through everything with a prefix, in byte order, once each", async () => {
    expect(
      await run(`
        const names = ["p:", "p:a", "p:b", "p:\\uffff", "p:😀", "p:z", "p;"];
        for (const name of names) await env.OTHER.put(name, name);
        const seen = []; let cursor; let pages = 0;
        do {
          const page = await env.OTHER.list({ prefix: "p:", limit: 2, cursor });
          seen.push(...page.keys.map((key) => key.name)); cursor = page.cursor; pages++;
          if (page.list_complete !== (cursor === undefined)) throw new Error("cursor and list_complete disagree");
        } while (cursor !== undefined);
        return { seen, pages };`),
    ).toEqual({ seen: ["p:", "p:a", "p:b", "p:z", "p:\uffff", "p:😀"], pages: 3 });
  });

  test("namespaces do not see each other", async () => {
    expect(
      await run(
        `await env.OTHER.put("mine", "other"); return [await env.CACHE.get("mine"), await env.OTHER.get("mine")]`,
      ),
    ).toEqual([null, "other"]);
  });

  test("many keys at once: text, JSON, with metadata, absent ones as null", async () => {
    expect(
      await run(`
        await env.CACHE.put("b1", "1", { metadata: { m: 1 } }); await env.CACHE.put("b2", '{"x":2}');
        return [
          Object.fromEntries(await env.CACHE.get(["b1", "b2", "b3"])),
          Object.fromEntries(await env.CACHE.get(["b1", "b2"], "json")),
          Object.fromEntries(await env.CACHE.getWithMetadata(["b1", "b3"])),
        ];`),
    ).toEqual([
      { b1: "1", b2: '{"x":2}', b3: null },
      { b1: 1, b2: { x: 2 } },
      { b1: { value: "1", metadata: { m: 1 } }, b3: null },
    ]);
  });

  test.each([
    [
      `env.CACHE.put("x".repeat(600), "v")`,
      "KV PUT failed: 414 UTF-8 encoded length of 600 exceeds key length limit of 512.",
    ],
    [`env.CACHE.get("")`, "Key name cannot be empty."],
    [`env.CACHE.put("..", "v")`, '".." is not allowed as a key name.'],
    [
      `env.CACHE.put("k", "v", { expirationTtl: 0 })`,
      "KV PUT failed: 400 Invalid expiration_ttl of 0. Please specify integer greater than 0.",
    ],
    [
      `env.CACHE.put("k", "v", { expirationTtl: 59 })`,
      "KV PUT failed: 400 Invalid expiration_ttl of 59. Expiration TTL must be at least 60.",
    ],
    [
      `env.CACHE.put("k", "v", { expiration: 5 })`,
      "KV PUT failed: 400 Invalid expiration of 5. Please specify integer greater than the current number of seconds since the UNIX epoch.",
    ],
    [
      `env.CACHE.put("k", "v", { metadata: "x".repeat(1100) })`,
      "KV PUT failed: 413 Metadata length of 1102 exceeds limit of 1024.",
    ],
    [
      `env.CACHE.put("k", new Uint8Array(25 * 1024 * 1024 + 1))`,
      "KV PUT failed: 413 Value length of 26214401 exceeds limit of 26214400.",
    ],
    [
      `env.CACHE.get("k", { cacheTtl: 5 })`,
      "KV GET failed: 400 Invalid cache_ttl of 5. Cache TTL must be at least 30.",
    ],
    [
      `env.CACHE.list({ limit: 1001 })`,
      "KV GET failed: 400 Invalid key_count_limit of 1001. Please specify an integer less than 1000.",
    ],
    [`env.CACHE.list({ cursor: "%%%" })`, "KV GET failed: 400 Invalid cursor."],
    [
      `env.CACHE.get(Array.from({ length: 101 }, (_, i) => "k" + i))`,
      "KV GET_BULK failed: 400 You can request a maximum of 100 keys",
    ],
    [`env.CACHE.get([])`, "KV GET_BULK failed: 400 You must request a minimum of 1 key"],
    [
      `env.CACHE.put("text", "text").then(() => env.CACHE.get(["text"], "json"))`,
      "KV GET_BULK failed: 400 At least one of the requested keys corresponds to a non-json value",
    ],
  ])("%s is refused in Cloudflare's words", async (call, message) => {
    await expect(run(`return ${call}`)).rejects.toThrow(message);
  });

  test("the largest value is stored, and a connection stays usable after a refusal", async () => {
    expect(
      await run(`
        const size = 25 * 1024 * 1024;
        await env.CACHE.put("large", new Uint8Array(size)).catch((error) => { throw error; });
        await env.CACHE.put("larger", new Uint8Array(size + 1)).catch(() => {});
        return [(await env.CACHE.get("large", "arrayBuffer")).byteLength === size, await env.CACHE.get("larger")];`),
    ).toEqual([true, null]);
  });

  test("200 writes at once all arrive", async () => {
    expect(
      await run(`
        await Promise.all(Array.from({ length: 200 }, (_, i) => env.CACHE.put("many:" + i, String(i))));
        return (await env.CACHE.list({ prefix: "many:" })).keys.length;`),
    ).toBe(200);
  });
});
