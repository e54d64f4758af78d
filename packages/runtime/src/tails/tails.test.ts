import { request } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { call, createRuntimeFixture, type RuntimeFixture } from "../runtime-fixture.ts";

const LOGGER = `
  export default { async fetch(req) {
    const url = new URL(req.url);
    switch (url.pathname) {
      case "/levels":
        console.debug("d"); console.log("l"); console.info("i"); console.warn("w"); console.error("e");
        break;
      case "/values":
        console.log("text", 1, true, null, { a: { b: [1, { c: "x" }] } }, ["y"]);
        console.log("%s is %d, %j and 100%%", "n", 42, { z: 1 }, "more");
        console.error(new RangeError("too far"));
        console.log("x".repeat(100_000));
        break;
      case "/throw":
        throw new TypeError("not this way");
      case "/flood":
        for (let i = 0; i < 100_000; i++) console.log("line " + i);
        break;
      case "/long":
        for (let i = 0; i < 2; i++) console.log("\\u0001".repeat(16_000));
        break;
      case "/count":
        console.log("counted");
    }
    return new Response("ok");
  } };`;

// With nothing but a default export a function is observed in its own process; with more, a tail worker hears it.
const SHAPES = [
  { way: "written by their process", source: LOGGER },
  { way: "heard by a tail worker", source: `${LOGGER} export const other = { fetch: () => new Response("other") };` },
];

describe.each(SHAPES)("logs of functions, $way,", ({ source }) => {
  let fixture: RuntimeFixture;
  beforeEach(async () => {
    fixture = await createRuntimeFixture({ limits: { logLinesPerSecond: 100, logLinesBurst: 2000 } });
    await fixture.runtime.configure(fixture.project([fixture.fn("api", source)]));
  });
  afterEach(async () => {
    await fixture.close();
  });
  const ask = (path: string) => call(fixture, "api@production@1", path, { headers: { "x-request-id": `req_${path}` } });

  it("carry function, request, level and time", async () => {
    const before = Date.now();
    await ask("/levels");
    const entries = await fixture.logged((all) => all.length === 5);
    expect(entries.map(({ level, message }) => [level, message])).toEqual([
      ["debug", "d"],
      ["info", "l"],
      ["info", "i"],
      ["warn", "w"],
      ["error", "e"],
    ]);
    for (const entry of entries) {
      expect(entry).toMatchObject({
        projectId: "prj_test",
        functionKey: "api@production@1",
        requestId: "req_/levels",
        kind: "console",
      });
      expect(entry.time).toBeGreaterThanOrEqual(before - 1000);
    }
  });

  it("read as the console prints them, with a bound on their length", async () => {
    await ask("/values");
    const [values, formatted, error, long] = await fixture.logged((all) => all.length === 4);
    expect(values?.message).toBe('text 1 true null {"a":{"b":[1,{"c":"x"}]}} ["y"]');
    expect(formatted?.message).toBe('n is 42, {"z":1} and 100% more');
    expect(error?.message).toMatch(/^RangeError: too far\n\s+at Object\.fetch \(main\.js:\d+/);
    expect(long?.message).toMatch(/^x{16384}… \(83616 more characters\)$/);
  });

  it("hold exceptions with name, message and stack", async () => {
    expect((await ask("/throw")).status).toBe(500);
    const [entry] = await fixture.logged((all) => all.length === 1);
    expect(entry).toMatchObject({
      kind: "exception",
      level: "error",
      message: "TypeError: not this way",
      requestId: "req_/throw",
      exception: { name: "TypeError", message: "not this way", stack: expect.stringContaining("main.js:") },
    });
  });

  it("are all there when a process is stopped, and none is there twice", async () => {
    await Promise.all(Array.from({ length: 200 }, () => ask("/count")));
    await fixture.runtime.close();
    expect(fixture.tails.filter((entry) => entry.message === "counted")).toHaveLength(200);
  });

  it("are kept however long they are, and however their text is escaped on the way", async () => {
    await Promise.all(Array.from({ length: 100 }, () => ask("/long")));
    await fixture.runtime.close();
    const lengths = fixture.tails.map(({ message }) => message.length);
    expect(lengths).toEqual(Array.from({ length: 200 }, () => 16_000));
  });

  it("of a flood are kept up to the limit; what is dropped is counted, and requests go on", async () => {
    expect((await ask("/flood")).status).toBe(200);
    const entries = await fixture.logged((all) => all.some((entry) => entry.message.includes("were dropped")));
    const kept = entries.filter((entry) => entry.message.startsWith("line "));
    expect(kept.length).toBeGreaterThanOrEqual(2000);
    expect(kept.length).toBeLessThan(2500);
    const report = entries.find((entry) => entry.message.includes("were dropped"));
    expect(report).toMatchObject({ projectId: "prj_test", functionKey: null, level: "warn" });
    expect((await ask("/")).text).toBe("ok");
  });

  it("cannot be written without a process's token, nor in the name of another project", async () => {
    await ask("/");
    const [token = ""] = fixture.grants.keys();
    const entry = {
      functionKey: "other@production@1",
      projectId: "prj_other",
      level: "fatal",
      time: "now",
      message: 7,
    };
    const post = (headers: Record<string, string>, body: unknown): Promise<number> =>
      new Promise((resolve, reject) => {
        const req = request(
          { socketPath: join(fixture.dataDir, "run", "tail.sock"), method: "POST", path: "/", headers },
          (res) => {
            res.resume();
            resolve(res.statusCode ?? 0);
          },
        );
        req.on("error", reject);
        req.end(JSON.stringify(body));
      });
    expect(await post({}, { entries: [entry] })).toBe(403);
    expect(await post({ "x-aero-token": "guess" }, { entries: [entry] })).toBe(403);
    expect(await post({ "x-aero-token": token }, { nonsense: true })).toBe(400);
    expect(fixture.tails).toEqual([]);
    expect(await post({ "x-aero-token": token }, { entries: [entry, null, "text"] })).toBe(204);
    expect(fixture.tails).toEqual([
      expect.objectContaining({ projectId: "prj_test", functionKey: null, level: "info", message: "" }),
    ]);
  });
});
