import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import type { RuntimeLimits } from "./limits.ts";
import { createProcessUsage } from "./process/process-usage.ts";
import { call, createRuntimeFixture, type RuntimeFixture } from "./runtime-fixture.ts";

let fixture: RuntimeFixture;
async function open(limits: Partial<RuntimeLimits> = {}): Promise<RuntimeFixture> {
  fixture = await createRuntimeFixture({ limits });
  return fixture;
}
afterEach(async () => {
  await fixture.close();
});

const MEBIBYTE = 1024 * 1024;
const NEIGHBOUR = "prj_neighbour";
const HOSTILE = `
  const keep = [];
  export default { async fetch(req) {
    switch (new URL(req.url).pathname) {
      case "/loop": for (;;) {}
      case "/late-loop": await scheduler.wait(20); for (;;) {}
      case "/background": setTimeout(() => { for (;;) {} }, 10); return new Response("sent");
      case "/objects": for (;;) keep.push({ n: Math.random(), text: "x".repeat(100) + keep.length });
      case "/buffers": for (;;) keep.push(new Uint8Array(8e6).fill(1));
      case "/wait": await scheduler.wait(10_000); return new Response("late");
    }
    return new Response("ok");
  } };`;

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => "no failure",
    (error: unknown) => error,
  );
}

describe("runaway functions", () => {
  it("stops an endless loop, names the function, tells others that they may try again, and serves the next call", async () => {
    const { runtime, project, fn } = await open({ cpuLimitMs: 400, probeIntervalMs: 50, watchIntervalMs: 20 });
    const functions = [fn("hostile", HOSTILE), fn("calm", HOSTILE)];
    await runtime.configure(project(functions));
    const waiting = failureOf(call(fixture, "calm@production@1", "/wait"));
    await call(fixture, "calm@production@1");
    const looping = failureOf(call(fixture, "hostile@production@1", "/loop"));
    expect(await looping).toMatchObject({
      code: "FUNCTION_CPU_LIMIT",
      message: expect.stringMatching(/^The function 'hostile' brought its process down: it used \d\.\d s of CPU time/),
      details: { functionKey: "hostile@production@1", retryable: false, mayHaveRun: true },
    });
    expect(await waiting).toMatchObject({
      code: "FUNCTION_CRASHED",
      details: { functionKey: "hostile@production@1", retryable: true, mayHaveRun: true },
    });
    expect(await fixture.event((event) => event.type === "process.failed")).toMatchObject({
      code: "FUNCTION_CPU_LIMIT",
      functionKey: "hostile@production@1",
    });
    expect((await call(fixture, "hostile@production@1")).text).toBe("ok");
  });

  it("says of a request that came after the loop began that it has not run", async () => {
    const { runtime, project, fn } = await open({ cpuLimitMs: 600, probeIntervalMs: 30, watchIntervalMs: 20 });
    await runtime.configure(project([fn("hostile", HOSTILE)]));
    await call(fixture, "hostile@production@1");
    const looping = failureOf(call(fixture, "hostile@production@1", "/loop"));
    // After so much CPU time the loop has begun, and a probe has gone unanswered.
    const usage = createProcessUsage(runtime.stats().projects[0]?.pid ?? 0);
    const before = usage.cpu().userMs;
    while (usage.cpu().userMs < before + 200) await new Promise((resolve) => setImmediate(resolve));
    usage.close();
    const later = failureOf(call(fixture, "hostile@production@1", "/"));
    expect(await looping).toMatchObject({ code: "FUNCTION_CPU_LIMIT", details: { retryable: false } });
    expect(await later).toMatchObject({ details: { retryable: true, mayHaveRun: false } });
  });

  it("stops a loop that begins after an await, and one that runs in the background without a request", async () => {
    const { runtime, project, fn } = await open({
      cpuLimitMs: 300,
      probeIntervalMs: 50,
      watchIntervalMs: 20,
      idleWatchIntervalMs: 50,
    });
    await runtime.configure(project([fn("hostile", HOSTILE)]));
    expect(await failureOf(call(fixture, "hostile@production@1", "/late-loop"))).toMatchObject({
      code: "FUNCTION_CPU_LIMIT",
    });
    const source = `export default { fetch(_req, _env, ctx) {
      ctx.waitUntil(scheduler.wait(10).then(() => { for (;;) {} })); return new Response("sent"); } };`;
    await runtime.configure(project([fn("hidden", source)], "prj_hidden"));
    expect((await call(fixture, "hidden@production@1", "/", { projectId: "prj_hidden" })).text).toBe("sent");
    expect(
      await fixture.event((event) => event.type === "process.failed" && event.projectId === "prj_hidden"),
    ).toMatchObject({ code: "FUNCTION_CPU_LIMIT" });
  });

  it.each(["/objects", "/buffers"])(
    "stops a memory bomb of %s before it takes much more than its limit",
    async (path) => {
      const limit = 64 * MEBIBYTE;
      const { runtime, project, fn } = await open({ memoryLimitBytes: limit, watchIntervalMs: 20 });
      await runtime.configure(project([fn("hostile", HOSTILE)]));
      await call(fixture, "hostile@production@1");
      const [running] = runtime.stats().projects;
      let peak = 0;
      const sampler = setInterval(() => {
        try {
          const status = readFileSync(`/proc/${running?.pid}/status`, "utf8");
          peak = Math.max(peak, Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024);
        } catch {
          // It is gone.
        }
      }, 5);
      const failure = await failureOf(call(fixture, "hostile@production@1", path));
      clearInterval(sampler);
      expect(failure).toMatchObject({
        code: "FUNCTION_MEMORY_LIMIT",
        message: expect.stringContaining("The function 'hostile' brought its process down: it "),
        details: { retryable: false },
      });
      expect(peak).toBeLessThan(4 * limit);
      expect((await call(fixture, "hostile@production@1")).text).toBe("ok");
    },
  );

  it("refuses a single allocation far beyond the limit inside the function, which lives on", async () => {
    const { runtime, project, fn } = await open({ memoryLimitBytes: 64 * MEBIBYTE });
    const source = `export default { fetch() {
      try { return new Response(String(new Uint8Array(2e9).fill(1).length)); }
      catch (error) { return new Response(error.name); } } };`;
    // The first process of a runtime is measured and bounded after its start, those after it from the start on.
    for (const projectId of ["prj_first", "prj_second"]) {
      await runtime.configure(project([fn("api", source)], projectId));
      expect((await call(fixture, "api@production@1", "/", { projectId })).text).toBe("RangeError");
    }
  });
});

describe("crashes", () => {
  it("answers FUNCTION_CRASHED when the process is killed, and the next call works", async () => {
    const { runtime, project, fn } = await open();
    await runtime.configure(project([fn("api", HOSTILE)]));
    await call(fixture, "api@production@1");
    const pid = runtime.stats().projects[0]?.pid ?? 0;
    const waiting = failureOf(call(fixture, "api@production@1", "/wait"));
    await call(fixture, "api@production@1");
    process.kill(pid, "SIGSEGV");
    expect(await waiting).toMatchObject({
      code: "FUNCTION_CRASHED",
      status: 502,
      message: expect.stringMatching(/^The function 'api' brought its process down: it ended with /),
    });
    expect((await call(fixture, "api@production@1")).text).toBe("ok");
    expect(runtime.stats()).toMatchObject({ starts: 2, failures: 1 });
  });

  it("leaves a project that keeps crashing alone for longer and longer, while its neighbour works", async () => {
    const { runtime, project, fn } = await open({ freeRestarts: 1, backoffInitialMs: 60_000 });
    await runtime.configure(project([fn("api", HOSTILE)]));
    await runtime.configure(project([fn("api", HOSTILE)], NEIGHBOUR));
    await call(fixture, "api@production@1", "/", { projectId: NEIGHBOUR });
    const neighbour = runtime.stats().projects.find((one) => one.projectId === NEIGHBOUR);
    for (const failures of [1, 2]) {
      await call(fixture, "api@production@1");
      const pid = runtime.stats().projects.find((one) => one.projectId === "prj_test")?.pid ?? 0;
      process.kill(pid, "SIGKILL");
      await fixture.event(() => runtime.stats().failures === failures);
    }
    const failure = await failureOf(call(fixture, "api@production@1"));
    expect(failure).toMatchObject({ code: "FUNCTION_BACKOFF", status: 503, retryAfterSeconds: 60 });
    expect(runtime.stats().projects.find((one) => one.projectId === "prj_test")?.state).toBe("backoff");
    expect((await call(fixture, "api@production@1", "/", { projectId: NEIGHBOUR })).text).toBe("ok");
    expect(runtime.stats().projects.find((one) => one.projectId === NEIGHBOUR)?.pid).toBe(neighbour?.pid);
    // A new deployment is a new chance.
    await runtime.configure(project([fn("api", HOSTILE, { versionNumber: 2 })]));
    expect((await call(fixture, "api@production@2")).text).toBe("ok");
  });

  it("says little to the caller and all to the operator when a process does not start", async () => {
    const { runtime, project, fn } = await open();
    await runtime.configure(project([fn("api", "throw new Error('internal detail')")]));
    expect(await failureOf(call(fixture, "api@production@1"))).toMatchObject({
      code: "FUNCTION_CRASHED",
      message: "The function's process did not start.",
    });
    expect(await fixture.event((event) => event.type === "process.failed")).toMatchObject({
      code: "FUNCTION_START_FAILED",
      message: expect.stringContaining("internal detail"),
    });
  });
});
