import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Developer, Project } from "./harness/developer.ts";
import { pollUntil } from "./harness/poll-until.ts";
import { createStrangersKey, startProjectServer } from "./harness/project-server.ts";
import { send } from "./harness/raw-http.ts";
import type { ServerProcess } from "./harness/server-process.ts";

// A project's cache as existing clients call it: exact status and body.

const WORKER = `export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const key = url.searchParams.get("key");
    if (request.method === "PUT") await env.CACHE.put(key, await request.text());
    return Response.json({ text: await env.CACHE.get(key), json: await env.CACHE.get(key, "json").catch(() => "not JSON") });
  },
};`;

let server: ServerProcess;
let developer: Developer;
let project: Project;
let secret: string;
let publicKey: string;
let strangersSecret: string;

beforeAll(async () => {
  ({ server, developer, project, secret, publicKey } = await startProjectServer("cached"));
  strangersSecret = await createStrangersKey(server);
  await developer.deploy(project, { name: "api", worker: WORKER, isPublic: true });
});
afterAll(async () => {
  await server?.dispose();
});

async function raw(operation: string, body: unknown, key = secret) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return await send(`${server.url}/v1/cache/${operation}`, {
    method: "POST",
    headers: {
      "x-aerostack-key": key,
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
    },
    body: text,
  });
}
async function call(operation: string, body: unknown): Promise<unknown> {
  const answer = await raw(operation, body);
  expect([answer.status, answer.body]).toEqual([200, expect.any(String)]);
  return JSON.parse(answer.body);
}

describe("the cache", () => {
  it("W2.1-5 get and W2.1-6 set keep any JSON value as it is, and W2.1-7 delete takes it away", async () => {
    for (const value of ["text", "", "42", 42, -1.5, true, null, { a: [1, { b: "ü😀" }] }, []]) {
      expect(await call("set", { key: "any", value })).toEqual({ success: true });
      expect(await call("get", { key: "any" })).toEqual({ value, exists: true });
    }
    expect(await call("delete", { key: "any" })).toEqual({ success: true });
    expect(await call("get", { key: "any" })).toEqual({ value: null, exists: false });
    expect(await call("delete", { key: "any" })).toEqual({ success: true });
  });

  it("W2.1-6 a time to live ends the key, and W2.1-14 expire changes it", async () => {
    await call("set", { key: "brief", value: "x", ttl: 1 });
    await call("set", { key: "long", value: "x" });
    expect(await call("get", { key: "brief" })).toEqual({ value: "x", exists: true });
    expect(await call("expire", { key: "long", ttl: 1 })).toEqual({ success: true });
    expect(await call("expire", { key: "absent", ttl: 1 })).toEqual({ success: false });
    await pollUntil("both are gone", async () => {
      const found = (await call("getMany", { keys: ["brief", "long"] })) as { results: { exists: boolean }[] };
      return found.results.every(({ exists }) => !exists);
    });
  });

  it("W2.1-8 list goes through keys page by page, with their expiration, and W2.1-9 keys names them all", async () => {
    const entries = Array.from({ length: 7 }, (_, index) => ({ key: `page:${index}`, value: index }));
    await call("setMany", { entries });
    await call("set", { key: "page:6", value: 6, ttl: 3600 });
    const first = (await call("list", { prefix: "page:", limit: 5 })) as { keys: unknown[]; cursor: string };
    expect(first).toEqual({
      keys: entries.slice(0, 5).map(({ key }) => ({ key })),
      list_complete: false,
      cursor: expect.any(String),
    });
    const second = await call("list", { prefix: "page:", limit: 5, cursor: first.cursor });
    const inAnHour = Math.floor(Date.now() / 1000) + 3600;
    expect(second).toEqual({
      keys: [{ key: "page:5" }, { key: "page:6", expiration: expect.closeTo(inAnHour, -1) }],
      list_complete: true,
    });
    expect(await call("keys", { prefix: "page:" })).toEqual({ keys: entries.map(({ key }) => key), truncated: false });
    expect(await call("keys", { prefix: "nothing:" })).toEqual({ keys: [], truncated: false });
  });

  it("W2.1-10 getMany, W2.1-11 setMany and W2.1-12 deleteMany do many at once, and say what was there", async () => {
    const entries = [
      { key: "many:a", value: "A" },
      { key: "many:b", value: { b: 1 }, ttl: 60 },
    ];
    expect(await call("setMany", { entries })).toEqual({ success: true, count: 2 });
    expect(await call("getMany", { keys: ["many:b", "many:x", "many:a"] })).toEqual({
      results: [
        { key: "many:b", value: { b: 1 }, exists: true },
        { key: "many:x", value: null, exists: false },
        { key: "many:a", value: "A", exists: true },
      ],
    });
    const keys = ["many:a", "many:b", "many:x"];
    expect(await call("deleteMany", { keys })).toEqual({ success: true, count: 3, deleted: 2 });
  });

  it("W2.1-11 setMany writes all or none", async () => {
    const entries = [
      { key: "whole:a", value: 1 },
      { key: "k".repeat(600), value: 2 },
    ];
    expect((await raw("setMany", { entries })).status).toBe(400);
    expect(await call("get", { key: "whole:a" })).toEqual({ value: null, exists: false });
  });

  it("W2.1-13 flush deletes a prefix, and everything of the project without one", async () => {
    await call("setMany", { entries: ["f:1", "f:2", "g:1"].map((key) => ({ key, value: 1 })) });
    expect(await call("flush", { prefix: "f:" })).toEqual({ success: true, deleted: 2 });
    expect(await call("get", { key: "g:1" })).toEqual({ value: 1, exists: true });
    expect(((await call("flush", {})) as { deleted: number }).deleted).toBeGreaterThan(0);
    expect(await call("keys", {})).toEqual({ keys: [], truncated: false });
  });

  it("W2.1-15 increment counts exactly under many at once, from a start that it is given", async () => {
    expect(await call("increment", { key: "hits" })).toEqual({ value: 1 });
    expect(await call("increment", { key: "hits", amount: -3 })).toEqual({ value: -2 });
    expect(await call("increment", { key: "from", amount: 5, initialValue: 100, ttl: 60 })).toEqual({ value: 105 });
    expect(await call("get", { key: "from" })).toEqual({ value: 105, exists: true });
    const sums = await Promise.all(
      Array.from({ length: 200 }, async () => ((await call("increment", { key: "race" })) as { value: number }).value),
    );
    expect(sums.sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
    await call("set", { key: "word", value: "no number" });
    const refused = await raw("increment", { key: "word" });
    expect([refused.status, JSON.parse(refused.body)]).toMatchObject([
      409,
      { code: "VALIDATION_ERROR", details: { code: "CONFLICT" } },
    ]);
  });

  it("shares its keys with the project's functions, both ways", async () => {
    const url = developer.functionUrl(project, "api", "/?key=shared");
    await call("set", { key: "shared", value: { from: "rest" } });
    expect(await (await fetch(url)).json()).toEqual({ text: '{"from":"rest"}', json: { from: "rest" } });
    await call("set", { key: "shared", value: "plain" });
    expect(await (await fetch(url)).json()).toEqual({ text: "plain", json: "not JSON" });
    await fetch(url, { method: "PUT", body: "from a function" });
    expect(await call("get", { key: "shared" })).toEqual({ value: "from a function", exists: true });
  });

  it("is closed to public keys, and shows nothing to another project", async () => {
    await call("set", { key: "mine", value: "x" });
    const refused = await raw("get", { key: "mine" }, publicKey);
    expect([refused.status, JSON.parse(refused.body).code]).toEqual([403, "FORBIDDEN"]);
    const theirs = await raw("get", { key: "mine" }, strangersSecret);
    expect([theirs.status, JSON.parse(theirs.body)]).toEqual([200, { value: null, exists: false }]);
    expect((await raw("get", { key: "mine" }, "sk_made_up")).status).toBe(401);
  });

  it("refuses what is too much or malformed in the flat form, with the fields", async () => {
    const keys = (count: number): string[] => Array.from({ length: count }, (_, index) => `k${index}`);
    const bad: readonly [string, unknown][] = [
      ["get", {}],
      ["get", { key: "" }],
      ["get", { key: 7 }],
      ["get", { key: "k".repeat(513) }],
      ["set", { key: "a" }],
      ["set", { key: "a", value: 1, ttl: 0 }],
      ["set", { key: "a", value: 1, ttl: 1.5 }],
      ["list", { limit: 1001 }],
      ["list", { cursor: "nonsense" }],
      ["getMany", { keys: keys(101) }],
      ["deleteMany", { keys: keys(501) }],
      ["setMany", { entries: keys(101).map((key) => ({ key, value: 1 })) }],
      ["increment", { key: "a", amount: "1" }],
      ["get", "{"],
    ];
    for (const [operation, body] of bad) {
      const answer = await raw(operation, body);
      const shown = `${operation} ${JSON.stringify(body).slice(0, 80)}`;
      expect([answer.status, shown]).toEqual([400, shown]);
      const { code, message, details, ...rest } = JSON.parse(answer.body);
      expect([code, typeof message, typeof details, rest]).toEqual(["VALIDATION_ERROR", "string", "object", {}]);
    }
  });
});
