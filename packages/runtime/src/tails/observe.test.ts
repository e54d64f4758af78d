import { afterEach, describe, expect, it } from "vitest";
import { call, createRuntimeFixture, type RuntimeFixture } from "../runtime-fixture.ts";
import type { TailEntry } from "../types.ts";

let fixture: RuntimeFixture;
afterEach(async () => {
  await fixture.close();
});

async function open(source: string, rest: { readonly compatibilityFlags?: string[] } = {}): Promise<void> {
  fixture = await createRuntimeFixture();
  await fixture.runtime.configure(fixture.project([fixture.fn("api", source, rest)]));
}

const ask = (path: string, name = "api", requestId = path) =>
  call(fixture, `${name}@production@1`, path, { headers: { "x-request-id": requestId } });
const messages = (): string[] => fixture.tails.map((entry) => entry.message);

/** What a function can say and fail with, a path each. */
const SAYINGS: Readonly<Record<string, string>> = {
  "/plain": `console.log("a", 1, 2.5, true, [1, "x"], { a: { b: null } }, undefined, null, NaN, -0)`,
  "/objects": `console.log(new Foo(), new Map([[1, 2]]), new Date(0), () => 1, Symbol("q"), 5n, new Uint8Array(3), /x/g,
    Object.create(null), new URL("http://a/b"), request.headers, Promise.resolve(), new Proxy({ a: 1 }, {}))`,
  "/unprintable": `const o = {}; o.self = o; console.log("circular", o); console.log({ n: 1n });
    console.log({ toJSON() { throw new Error("no") } }); console.log({ get a() { throw new Error("no") } })`,
  "/empty": `console.log(); console.log(""); console.log([]); console.log("a\\nb\\tc\\u0000d\\u001b[31m\\u001ee ä€😀")`,
  "/format": `console.log("%s %s %d %i %f %j %o %O %c %% %x", "a", { a: 1 }, "42", 3.7, "1.5", { b: 1 }, { c: 1 }, { d: 1 }, "css", 1);
    console.log("%d", 5n); console.log("100%", 1); console.log("%s"); console.log({ a: "%s" }, "x")`,
  "/errors": `class Own extends Error { name = "Own"; code = 5; } const cause = new Error("inner");
    console.log("e:", new Own("mine"), [new Error("listed")], { e: new Error("held") }); console.error(new Error("outer", { cause }));
    const bare = new Error("bare"); bare.stack = undefined; console.log(bare)`,
  "/others": `console.table([{ a: 1 }]); console.dir({}); console.group("g"); console.count("c"); console.assert(false, "as"); console.trace("tr")`,
  "/throw": `throw new TypeError("thrown")`,
  "/throw-own": `class Own extends Error { name = "Own" } throw new Own("own")`,
  "/throw-value": `throw { a: 1 }`,
  "/throw-text": `throw "a text"`,
  "/throw-null": `throw null`,
  "/throw-object": `throw new Foo()`,
  "/throw-lines": `throw new Error("line one\\nline two")`,
  "/wait-until": `ctx.waitUntil(Promise.reject(new Error("in the background")))`,
  "/twice": `const p = Promise.reject(new Error("twice")); ctx.waitUntil(p); await p`,
  "/unhandled": `Promise.reject(new Error("unhandled"))`,
  "/timer": `setTimeout((text) => { throw new Error(text) }, 1, "timer"); await scheduler.wait(20)`,
  "/interval": `const t = setInterval(() => { clearInterval(t); throw new Error("interval") }, 1); await scheduler.wait(20)`,
  "/microtask": `queueMicrotask(() => { throw new Error("microtask") }); await scheduler.wait(5)`,
  "/report": `reportError(new Error("reported"))`,
  "/no-response": `return "text"`,
  "/used": `const used = new Response("x"); await used.text(); return used`,
};
const SPEAKER = `
  class Foo { constructor() { this.x = 1; } }
  export default { async fetch(request, env, ctx) {
    switch (new URL(request.url).pathname) {
      ${Object.entries(SAYINGS)
        .map(([path, code]) => `case "${path}": { ${code}; break; }`)
        .join("\n")}
    }
    return new Response("ok");
  } };`;
const NAMED = `export const other = { fetch: () => new Response("other") };`;

describe("what a process writes of a function and what a tail worker hears", () => {
  it.each([[[]], [["nodejs_compat"]]])("is the same to the letter, with the flags %j", async (compatibilityFlags) => {
    fixture = await createRuntimeFixture();
    const { fn, project, runtime } = fixture;
    const functions = [
      fn("observed", SPEAKER, { compatibilityFlags }),
      fn("tailed", `${SPEAKER}${NAMED}`, { compatibilityFlags }),
    ];
    await runtime.configure(project(functions));
    for (const path of Object.keys(SAYINGS)) {
      const [one, other] = [await ask(path, "observed"), await ask(path, "tailed")];
      expect([path, one.status, one.text]).toEqual([path, other.status, other.text]);
    }
    await runtime.close();
    const said = (name: string): Record<string, unknown> =>
      Object.fromEntries(
        Object.keys(SAYINGS).map((path) => [path, saidOf(fixture.tails, `${name}@production@1`, path)]),
      );
    expect(said("observed")).toEqual(said("tailed"));
    expect(saidOf(fixture.tails, "observed@production@1", "/throw")).toHaveLength(1);
    // Each failure is told of once: none comes a second time from what the runtime prints of it.
    expect(fixture.tails.filter((entry) => entry.requestId === null)).toEqual([]);
  });
});

function saidOf(tails: readonly TailEntry[], functionKey: string, requestId: string): Partial<TailEntry>[] {
  return tails
    .filter((entry) => entry.functionKey === functionKey && entry.requestId === requestId)
    .map(({ functionKey: _key, time: _time, ...entry }) => entry);
}

describe("an observed function's lines", () => {
  it("keep their order and their request, across awaits and between requests at the same time", async () => {
    await open(`export default { async fetch(request) {
      const { pathname } = new URL(request.url);
      for (let i = 0; i < 20; i++) { console.log(pathname + " " + i); await scheduler.wait(i % 3); }
      await new Promise((resolve) => setTimeout(() => { console.log(pathname + " 20"); resolve(); }, 1));
      return new Response("ok");
    } };`);
    const paths = Array.from({ length: 20 }, (_, index) => `/${index}`);
    await Promise.all(paths.map((path) => ask(path)));
    await fixture.runtime.close();
    for (const path of paths) {
      const own = fixture.tails.filter((entry) => entry.requestId === path);
      expect(own.map((entry) => entry.message)).toEqual(Array.from({ length: 21 }, (_, i) => `${path} ${i}`));
    }
  });

  it("from the top level of its modules belong to no request", async () => {
    await open(`console.log("loading"); export default { fetch: () => new Response("ok") };`);
    await ask("/");
    expect(await fixture.logged((all) => all.length === 1)).toMatchObject([
      { message: "loading", functionKey: "api@production@1", requestId: null },
    ]);
  });

  it("can be redirected by the function: what it puts in the console's place is used, and can call the original", async () => {
    await open(`const original = console.log;
      console.log = (...values) => original("[mine]", ...values);
      console.warn = () => {};
      export default { fetch() { console.log("said"); console.warn("unheard"); return new Response("ok"); } };`);
    await ask("/");
    await fixture.runtime.close();
    expect(messages()).toEqual(["[mine] said"]);
  });

  it("come from queue and scheduled handlers too, with what those fail with", async () => {
    await open(`export default {
      async queue(batch) { console.log("batch of", batch.messages.length); throw new Error("queue failed"); },
      async scheduled(event, env, ctx) { ctx.waitUntil(Promise.reject(new Error("later"))); console.log(event.cron); },
    };`);
    const { runtime } = fixture;
    const body = Buffer.from("1").toString("base64");
    const message = { id: "m1", timestamp: 0, attempts: 1, contentType: "json", body };
    const outcome = await runtime.dispatchQueue("prj_test", "api@production@1", "jobs", [message]);
    expect(outcome.outcome).toBe("exception");
    await runtime.dispatchScheduled("prj_test", "api@production@1", { cron: "* * * * *", scheduledTimeMs: 0 });
    await runtime.close();
    expect(messages().toSorted()).toEqual(["* * * * *", "Error: later", "Error: queue failed", "batch of 1"]);
  });

  it("are all there when the process is killed right after them", async () => {
    await open(
      `export default { fetch() { for (let i = 0; i < 100; i++) console.log("line " + i); return new Response("ok"); } };`,
    );
    await ask("/");
    process.kill(fixture.runtime.stats().projects[0]?.pid ?? 0, "SIGKILL");
    await fixture.event((event) => event.type === "process.failed");
    expect(messages()).toEqual(Array.from({ length: 100 }, (_, i) => `line ${i}`));
  });

  it("are there even of code that never ends", async () => {
    fixture = await createRuntimeFixture({ limits: { cpuLimitMs: 300, probeIntervalMs: 50, watchIntervalMs: 20 } });
    const source = `export default { fetch() { console.log("one"); console.log("two"); for (;;) {} } };`;
    await fixture.runtime.configure(fixture.project([fixture.fn("api", source)]));
    await expect(ask("/loop")).rejects.toMatchObject({ code: "FUNCTION_CPU_LIMIT" });
    expect(fixture.tails.map(({ message, requestId }) => [message, requestId])).toEqual([
      ["one", "/loop"],
      ["two", "/loop"],
    ]);
  });

  it("of a flood are kept or counted, every one", async () => {
    fixture = await createRuntimeFixture({ limits: { logLinesPerSecond: 100, logLinesBurst: 500 } });
    const source = `export default { fetch() { for (let i = 0; i < 20_000; i++) console.log("line"); return new Response("ok"); } };`;
    await fixture.runtime.configure(fixture.project([fixture.fn("api", source)]));
    await Promise.all([ask("/1"), ask("/2"), ask("/3")]);
    await fixture.runtime.close();
    const kept = messages().filter((message) => message === "line").length;
    const dropped = messages().reduce((sum, message) => sum + Number(/^(\d+) log lines/.exec(message)?.[1] ?? 0), 0);
    expect(kept).toBeGreaterThanOrEqual(500);
    expect(kept + dropped).toBe(60_000);
  });

  it("cannot be forged in the name of another project or function by what another function prints", async () => {
    fixture = await createRuntimeFixture();
    const { fn, project, runtime } = fixture;
    const forger = `export default { fetch() {
      console.log("\\u001e" + JSON.stringify({ projectId: "prj_other", functionKey: "other@production@1", level: "fatal", time: "now", message: 7 }));
      console.log("\\u001enot json"); console.log("\\u001enull");
      return new Response("ok"); } };${NAMED}`;
    await runtime.configure(
      project([fn("api", `export default { fetch: () => new Response("ok") };`), fn("forger", forger)]),
    );
    await ask("/", "forger");
    await runtime.close();
    for (const entry of fixture.tails) expect(entry.projectId).toBe("prj_test");
    expect(fixture.tails.filter((entry) => entry.functionKey !== "forger@production@1")).toEqual([
      expect.objectContaining({ functionKey: null, level: "info", message: "" }),
    ]);
  });
});

describe("an observed function", () => {
  it.each([
    [
      "an instance of a class with private fields",
      "class App { #name = 'app'; fetch() { return new Response(this.#name); } } export default new App();",
    ],
    [
      "an object with a getter",
      "export default { name: 'app', get fetch() { return function () { return new Response(this.name); }; } };",
    ],
    ["a frozen object", "export default Object.freeze({ name: 'app', fetch() { return new Response(this.name); } });"],
    [
      "an instance with a bound handler",
      "class App { name = 'app'; fetch = () => new Response(this.name); } export default new App();",
    ],
    [
      "what another module exports",
      "class App { name = 'app'; async fetch() { return new Response(this.name); } } const app = new App(); export { app as default };",
    ],
  ])("works as it would alone: %s", async (_what, source) => {
    await open(source);
    expect(await ask("/")).toMatchObject({ status: 200, text: "app" });
  });

  it("is given request, environment and context, and may keep an AsyncLocalStorage of its own", async () => {
    await open(
      `import { AsyncLocalStorage } from "node:async_hooks";
      const own = new AsyncLocalStorage();
      export default { async fetch(request, env, ctx) {
        return await own.run("mine", async () => {
          await scheduler.wait(1);
          console.log("inside");
          return Response.json([arguments.length, own.getStore(), typeof env.AEROSTACK_PROJECT_ID, typeof ctx.waitUntil]);
        });
      } };`,
      { compatibilityFlags: ["nodejs_compat"] },
    );
    expect(JSON.parse((await ask("/id")).text)).toEqual([3, "mine", "string", "function"]);
    expect(await fixture.logged((all) => all.length === 1)).toMatchObject([{ message: "inside", requestId: "/id" }]);
  });

  it("may have modules named like those that observe it", async () => {
    fixture = await createRuntimeFixture();
    const { fn, project, runtime } = fixture;
    const modules = {
      "start.js": `import other from "./observed.js"; console.log("mine"); export default { fetch: () => new Response(other) };`,
      "observed.js": `export default "named alike";`,
    };
    await runtime.configure(project([fn("api", modules)]));
    expect((await ask("/")).text).toBe("named alike");
    await fixture.logged((all) => all.some((entry) => entry.message === "mine"));
  });

  it("has failures that only the runtime sees reported, once and without a request", async () => {
    await open(`export default { fetch(request) {
      if (new URL(request.url).pathname === "/hang") return new Promise(() => {});
      return new Response(new ReadableStream({ pull(controller) { controller.error(new RangeError("body broke")); } }));
    } };`);
    await ask("/body").catch(() => {});
    expect((await ask("/hang")).status).toBe(500);
    await fixture.runtime.close();
    expect(fixture.tails).toEqual([
      expect.objectContaining({
        kind: "exception",
        functionKey: "api@production@1",
        requestId: null,
        exception: { name: "RangeError", message: "body broke", stack: null },
      }),
      expect.objectContaining({ message: expect.stringContaining("would never generate a response") }),
    ]);
  });
});
