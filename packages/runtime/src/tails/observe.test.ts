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
  "/hang": `return new Promise(() => {})`,
  "/body-error": `return new Response(new ReadableStream({ pull(c) { c.error(new RangeError("body error")); } }))`,
  "/body-throw": `return new Response(new ReadableStream({ n: 0, async pull(c) { await scheduler.wait(1); if (this.n++ > 2) throw new RangeError("body threw"); c.enqueue(new Uint8Array(1)) } }))`,
  "/body-start": `return new Response(new ReadableStream({ async start() { await scheduler.wait(1); throw new Own("body did not start") } }))`,
  "/body-from": `return new Response(ReadableStream.from((async function* () { yield new Uint8Array(1); throw new RangeError("iterator threw") })()))`,
  "/body-abort": `const { readable, writable } = new IdentityTransformStream(); const writer = writable.getWriter(); setTimeout(() => writer.abort(new RangeError("writer aborted")).catch(() => {}), 5); return new Response(readable)`,
  "/body-transform": `return new Response(new Response("abc").body.pipeThrough(new TransformStream({ transform() { throw new RangeError("transformer threw") } })))`,
  "/body-short": `const { readable, writable } = new FixedLengthStream(10); const writer = writable.getWriter(); writer.write(new Uint8Array(3)).then(() => writer.close()).catch(() => {}); return new Response(readable)`,
  "/body-caught": `try { await new Response(new ReadableStream({ pull() { throw new RangeError("caught") } })).text() } catch {}`,
  "/body-rethrown": `await new Response(new ReadableStream({ pull() { throw new RangeError("rethrown") } })).text()`,
  "/rewriter": `return new HTMLRewriter().on("p", { element() { throw new RangeError("element threw") } }).transform(new Response("<p>x</p>"))`,
  "/rewriter-later": `return new HTMLRewriter().on("p", { async element() { await scheduler.wait(1); throw new RangeError("element threw later") } }).transform(new Response("<p>x</p>"))`,
  "/rewriter-shared": `return SHARED.transform(new Response("<p>x</p>"))`,
  "/rewriter-document": `return new HTMLRewriter().onDocument({ end() { throw new RangeError("document threw") } }).transform(new Response("<p>x</p>"))`,
  "/rewriter-end-tag": `return new HTMLRewriter().on("p", { element(p) { p.onEndTag(() => { throw new RangeError("end tag threw") }) } }).transform(new Response("<p>x</p>"))`,
  "/timeout-listener": `AbortSignal.timeout(1).addEventListener("abort", () => { throw new RangeError("abort listener") }); await scheduler.wait(20)`,
  "/timeout-object": `AbortSignal.timeout(1).addEventListener("abort", { handleEvent() { throw new RangeError("abort object") } }); await scheduler.wait(20)`,
  "/timeout-on": `AbortSignal.timeout(1).onabort = () => { throw new RangeError("on abort") }; await scheduler.wait(20)`,
  "/timeout-any": `AbortSignal.any([AbortSignal.timeout(1)]).addEventListener("abort", () => { throw new RangeError("any of them") }); await scheduler.wait(20)`,
  "/timeout-removed": `const signal = AbortSignal.timeout(1), listener = () => { throw new RangeError("removed") }; signal.addEventListener("abort", listener); signal.removeEventListener("abort", listener); await scheduler.wait(20)`,
  "/abort-caught": `const own = new AbortController(); own.signal.addEventListener("abort", () => { throw new RangeError("plain listener") }); try { own.abort() } catch {} await scheduler.wait(5)`,
};
const SPEAKER = `
  class Foo { constructor() { this.x = 1; } }
  class Own extends Error { name = "Own" }
  const SHARED = new HTMLRewriter().on("p", { element() { throw new RangeError("shared threw") } });
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
      const [one, other] = await Promise.all(["observed", "tailed"].map((name) => outcome(ask(path, name))));
      expect([path, one]).toEqual([path, other]);
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

/** What a caller saw: an answer or a broken connection. */
async function outcome(asked: ReturnType<typeof ask>): Promise<unknown> {
  return await asked.then(
    ({ status, text }) => [status, text],
    (error: { code: string }) => error.code,
  );
}

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

  it.each(["2026-07-01", "2024-01-01"])(
    "tell of a promise for waitUntil() that can never end, and of none that does, at compatibility date %s",
    async (compatibilityDate) => {
      fixture = await createRuntimeFixture();
      const source = `export default { async fetch(request, env, ctx) {
        const { pathname } = new URL(request.url);
        if (pathname === "/never") ctx.waitUntil(new Promise(() => {}));
        if (pathname === "/async") ctx.waitUntil((async () => { await new Promise(() => {}); })());
        if (pathname === "/ends") ctx.waitUntil(scheduler.wait(10));
        if (pathname === "/fails") ctx.waitUntil(Promise.reject(new Error("failed")));
        if (pathname === "/garbage") for (let n = 0; n < 200_000; n++) new Array(10).fill({ n });
        return new Response(typeof FinalizationRegistry + typeof WeakRef);
      } };`;
      await fixture.runtime.configure(fixture.project([fixture.fn("api", source, { compatibilityDate })]));
      for (const path of ["/ends", "/fails", "/never", "/async"]) {
        const seen = compatibilityDate < "2025" ? "undefinedundefined" : "functionfunction";
        expect((await ask(path)).text).toBe(seen);
      }
      // The garbage collector finds them, and garbage makes it look.
      for (let n = 0; n < 200 && fixture.tails.length < 3; n++) await ask("/garbage");
      const hung = expect.stringMatching(/^Error: The Workers runtime canceled this request .* would never generate/);
      const told = fixture.tails.map(({ requestId, kind, level, message }) => [requestId, kind, level, message]);
      expect(told.toSorted()).toEqual([
        ["/async", "exception", "error", hung],
        ["/fails", "exception", "error", "Error: failed"],
        ["/never", "exception", "error", hung],
      ]);
    },
  );

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

  it("has failures that only the runtime sees told of by request, function and stack, of many at the same time", async () => {
    fixture = await createRuntimeFixture();
    const { fn, project, runtime } = fixture;
    const source = `export default { fetch(request) {
      if (new URL(request.url).pathname.startsWith("/hang")) return new Promise(() => {});
      return new Response(new ReadableStream({ pull(controller) { controller.error(new RangeError("body broke")); } }));
    } };`;
    await runtime.configure(project([fn("api", source), fn("other", source)]));
    const paths = ["/hang/1", "/hang/2", "/hang/3", "/body/1", "/body/2", "/body/3"];
    await Promise.all(
      ["api", "other"].flatMap((name) => paths.map((path) => outcome(ask(path, name, `${name}${path}`)))),
    );
    await runtime.close();
    const told = fixture.tails.map(({ requestId, functionKey, message, exception }) => [
      requestId,
      functionKey?.split("@")[0],
      message.includes("would never generate a response") ? "hang" : message,
      exception?.stack === null ? "" : exception?.stack?.split("\n")[0]?.trim(),
    ]);
    expect(told.toSorted()).toEqual(
      ["api", "other"]
        .flatMap((name) =>
          paths.map((path) =>
            path.startsWith("/hang")
              ? [`${name}${path}`, name, "hang", ""]
              : [`${name}${path}`, name, "RangeError: body broke", "at Object.pull (main.js:3:84)"],
          ),
        )
        .toSorted(),
    );
  });

  it("keeps what it shares with the platform: streams, rewriters and signals are what they were", async () => {
    await open(`
      class Mine extends ReadableStream { mine() { return "mine"; } }
      export default { async fetch() {
        const stream = new Mine({ start(c) { c.enqueue(new TextEncoder().encode("text")); c.close(); } });
        const signal = AbortSignal.timeout(60_000), listener = () => {};
        signal.onabort = listener;
        const seen = [stream instanceof Mine, stream instanceof ReadableStream, stream.mine(), stream.constructor === Mine,
          new Response("").body.constructor === ReadableStream, await new Response(stream).text(), signal instanceof AbortSignal,
          signal.onabort === listener, ReadableStream.name, ReadableStream.length, AbortSignal.timeout.name,
          HTMLRewriter.prototype.on.name, typeof ReadableStream.from];
        try { new ReadableStream({ pull: 1 }); } catch (error) { seen.push(error.name); }
        try { ReadableStream(); } catch (error) { seen.push(error.name); }
        const wants = { get type() { return this === wants ? "bytes" : "no"; }, pull(c) { c.close(); c.byobRequest?.respond(0); } };
        seen.push(new ReadableStream(wants).getReader({ mode: "byob" }) instanceof ReadableStreamBYOBReader);
        return Response.json(seen);
      } };`);
    expect(JSON.parse((await ask("/")).text)).toEqual([
      true,
      true,
      "mine",
      true,
      true,
      "text",
      true,
      true,
      "ReadableStream",
      0,
      "timeout",
      "on",
      "function",
      "TypeError",
      "TypeError",
      true,
    ]);
  });
});
