import { afterAll, beforeAll, expect, test } from "vitest";
import { type ProjectServer, startProjectServer } from "./harness/project-server.ts";

// Values that the server holds in its memory are never older than the last write that was answered, whoever wrote.

let world: ProjectServer;
let functionUrl: string;

beforeAll(async () => {
  world = await startProjectServer("held");
  await world.developer.deploy(world.project, {
    name: "writer",
    isPublic: true,
    worker: `export default { async fetch(request, env) {
      const { searchParams } = new URL(request.url);
      if (searchParams.has("delete")) await env.CACHE.delete(searchParams.get("key"));
      else await env.CACHE.put(searchParams.get("key"), searchParams.get("value"));
      return new Response("done");
    } };`,
  });
  functionUrl = world.developer.functionUrl(world.project, "writer");
});
afterAll(async () => {
  await world?.server.dispose();
});

async function cache<Answer>(operation: string, body: unknown): Promise<Answer> {
  const answer = await fetch(`${world.server.url}/v1/cache/${operation}`, {
    method: "POST",
    headers: { "x-api-key": world.secret, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  expect(answer.status, await answer.clone().text()).toBe(200);
  return (await answer.json()) as Answer;
}

const read = (key: string) => cache<{ value: unknown; exists: boolean }>("get", { key });
const write = async (query: Record<string, string>) => {
  expect(await (await fetch(`${functionUrl}?${new URLSearchParams(query)}`)).text()).toBe("done");
};

test("what a function has written is what the next call reads, while others read without end", async () => {
  const seen: number[] = [];
  let isOver = false;
  await write({ key: "n", value: "0" });
  const readers = Array.from({ length: 4 }, async () => {
    while (!isOver) seen.push(Number((await read("n")).value));
  });
  for (let n = 1; n <= 150; n++) {
    await write({ key: "n", value: String(n) });
    expect((await read("n")).value).toBe(String(n));
  }
  isOver = true;
  await Promise.all(readers);
  expect(seen.length).toBeGreaterThan(150);
  expect(seen.every((n) => n >= 0 && n <= 150)).toBe(true);
});

test("every kind of write is seen by the read after it", async () => {
  const steps: readonly (readonly [() => Promise<unknown>, unknown])[] = [
    [() => cache("set", { key: "k", value: { a: 1 } }), { a: 1 }],
    [() => write({ key: "k", value: "text" }), "text"],
    [() => cache("setMany", { entries: [{ key: "k", value: 5 }] }), 5],
    [() => cache("increment", { key: "k", amount: 2 }), 7],
    [() => write({ key: "k", delete: "1" }), null],
    [() => cache("set", { key: "k", value: "again" }), "again"],
    [() => cache("delete", { key: "k" }), null],
    [() => cache("set", { key: "k", value: "more" }), "more"],
    [() => cache("deleteMany", { keys: ["k"] }), null],
    [() => cache("set", { key: "k", value: "last" }), "last"],
    [() => cache("flush", {}), null],
  ];
  for (const [change, expected] of steps) {
    await read("k");
    await change();
    expect((await read("k")).value).toEqual(expected);
    expect((await read("k")).value).toEqual(expected);
  }
});
