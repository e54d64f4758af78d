import { afterEach, describe, expect, it } from "vitest";
import type { RuntimeLimits } from "./limits.ts";
import { call, createRuntimeFixture, type RuntimeFixture, send } from "./runtime-fixture.ts";
import type { FunctionSpec } from "./types.ts";

let fixture: RuntimeFixture;
async function open(limits: Partial<RuntimeLimits> = {}): Promise<RuntimeFixture> {
  fixture = await createRuntimeFixture({ limits });
  return fixture;
}
afterEach(async () => {
  await fixture.close();
});

const versioned = (version: number, extra = ""): string => `${extra}
  export default { async fetch(req) {
    if (new URL(req.url).pathname === "/slow") await scheduler.wait(300);
    return new Response("${version}");
  } };`;

/** Sends requests one after another on several lanes until told to stop; what they got, in order. */
function constantLoad(lanes: number, one: () => Promise<string>): { stop: () => Promise<string[]> } {
  const answers: string[] = [];
  let running = true;
  const work = Array.from({ length: lanes }, async () => {
    while (running) answers.push(await one().catch((error: Error) => `failed: ${error.message}`));
  });
  return {
    async stop() {
      running = false;
      await Promise.all(work);
      return answers;
    },
  };
}

describe("replacing a running process", () => {
  it("loses no request under constant load, whichever version each asks for", async () => {
    const { runtime, project, fn } = await open();
    let serving: FunctionSpec = fn("api", versioned(1));
    await runtime.configure(project([serving]));
    const load = constantLoad(8, async () => (await call(fixture, serving.key)).text);
    const slow = call(fixture, serving.key, "/slow");
    for (const version of [2, 3, 4, 5]) {
      const next = fn("api", versioned(version), { versionNumber: version });
      await runtime.configure(project([next]));
      // A gateway learns of the new version a little later, and asks for the old one until then.
      await Promise.all(Array.from({ length: 20 }, () => call(fixture, serving.key)));
      serving = next;
    }
    const answers = await load.stop();
    expect(await slow).toMatchObject({ status: 200, text: "1" });
    expect(answers.filter((answer) => !/^[1-5]$/.test(answer))).toEqual([]);
    expect((await call(fixture, serving.key)).text).toBe("5");
  });

  it("keeps serving the old version when the new one does not start", async () => {
    const { runtime, project, fn } = await open();
    const old = fn("api", versioned(1));
    await runtime.configure(project([old]));
    await call(fixture, old.key);
    const broken = fn("api", "throw new Error('no')", { versionNumber: 2 });
    await expect(runtime.configure(project([broken]))).rejects.toMatchObject({ code: "FUNCTION_START_FAILED" });
    expect((await call(fixture, old.key)).text).toBe("1");
    await expect(call(fixture, broken.key)).rejects.toMatchObject({ code: "FUNCTION_NOT_FOUND" });
  });

  it("does not restart anything when nothing has changed", async () => {
    const { runtime, project, fn } = await open();
    const spec = project([fn("api", versioned(1))]);
    await runtime.configure(spec);
    await call(fixture, "api@production@1");
    await runtime.configure(project(spec.functions.map((one) => ({ ...one }))));
    expect(runtime.stats().starts).toBe(1);
    // A function that was deleted and made again begins with the same name and number.
    await runtime.configure(project([fn("api", versioned(2))]));
    expect((await call(fixture, "api@production@1")).text).toBe("2");
  });

  it("lets requests for a version that is on its way wait for it", async () => {
    const { runtime, project, fn } = await open();
    const [first, second] = [fn("api", versioned(1)), fn("api", versioned(2), { versionNumber: 2 })];
    await runtime.configure(project([first]));
    await call(fixture, first.key);
    const swap = runtime.configure(project([second]));
    await Promise.resolve();
    expect((await call(fixture, second.key)).text).toBe("2");
    await swap;
  });
});

describe("Durable Objects", () => {
  const counter = (version: number): string => `
    import { DurableObject } from "cloudflare:workers";
    export class Counter extends DurableObject {
      async fetch(req) {
        const sql = this.ctx.storage.sql;
        sql.exec("CREATE TABLE IF NOT EXISTS t (n INTEGER)");
        if (req.method === "POST") sql.exec("INSERT INTO t VALUES (1)");
        return new Response(${version} + ":" + sql.exec("SELECT count(*) AS n FROM t").one().n);
      }
    }
    export default { fetch: (req, env) => env.COUNTER.getByName("a").fetch(req) };`;
  const config = { durableObjects: [{ binding: "COUNTER", className: "Counter" }] };

  it("counts exactly through swaps under load: two processes never own the same object", async () => {
    const { runtime, project, fn, events } = await open();
    let serving = fn("api", counter(1), { config });
    await runtime.configure(project([serving]));
    const load = constantLoad(4, async () => (await call(fixture, serving.key, "/", { method: "POST" })).text);
    for (const version of [2, 3, 4]) {
      // The very same key: requests wait for the swap, and none fails.
      const next = fn("api", counter(version), { config, versionNumber: version, key: serving.key });
      await runtime.configure(project([next]));
      serving = next;
    }
    const answers = await load.stop();
    expect(answers.filter((answer) => !/^\d:\d+$/.test(answer))).toEqual([]);
    const counts = answers.map((answer) => Number(answer.split(":")[1])).sort((a, b) => a - b);
    expect(counts).toEqual(answers.map((_answer, index) => index + 1));
    expect((await call(fixture, serving.key)).text).toBe(`4:${answers.length}`);
    const order = events.map((event) => event.type).filter((type) => type !== "process.backoff");
    expect(order).toEqual(["process.started", ...Array(3).fill(["process.stopped", "process.started"]).flat()]);
  });

  it("has one owner for each object while two versions run side by side", async () => {
    const { runtime, project, fn } = await open();
    const old = fn("api", counter(1), { config });
    const next = fn("api", counter(2), { config, versionNumber: 2, rollout: "candidate" });
    await runtime.configure(project([old, next]));
    const answers: string[] = [];
    for (const key of [old.key, next.key, old.key, next.key]) {
      answers.push((await call(fixture, key, "/", { method: "POST" })).text);
    }
    expect(answers).toEqual(["1:1", "1:2", "1:3", "1:4"]);
  });

  it("does not wait for WebSockets, and goes back to what served when the new version does not start", async () => {
    const { runtime, project, fn } = await open({ exclusiveDrainMs: 30_000 });
    const old = fn("api", counter(1), { config });
    await runtime.configure(project([old]));
    await call(fixture, old.key, "/", { method: "POST" });
    const socket = (await runtime.route("prj_test", old.key)).begin("socket");
    const broken = fn("api", "throw new Error('no')", { config, versionNumber: 2 });
    await expect(runtime.configure(project([broken]))).rejects.toMatchObject({ code: "FUNCTION_START_FAILED" });
    expect(await socket.explain(new Error("closed"))).toMatchObject({ code: "FUNCTION_CRASHED" });
    socket.end();
    expect((await call(fixture, old.key)).text).toBe("1:1");
  });
});

describe("alarms of Durable Objects", () => {
  const sleeper = `
    import { DurableObject } from "cloudflare:workers";
    export class Sleeper extends DurableObject {
      async fetch() { await this.ctx.storage.setAlarm(Date.now() + 400); return new Response("set"); }
      alarm() { console.log("awake"); }
    }
    export default { fetch: (req, env) => env.SLEEPER.getByName("a").fetch(req) };`;
  const config = { durableObjects: [{ binding: "SLEEPER", className: "Sleeper" }] };

  it("start the project again that was stopped meanwhile", async () => {
    const { runtime, project, fn } = await open({ idleMs: 40 });
    await runtime.configure(project([fn("api", sleeper, { config })]));
    expect((await call(fixture, "api@production@1")).text).toBe("set");
    await fixture.event((event) => event.type === "process.stopped" && event.reason === "idle");
    await fixture.logged((entries) => entries.some((entry) => entry.message === "awake"));
    expect(runtime.stats().starts).toBe(2);
  });

  it("start the project again after the server did", async () => {
    const { runtime, project, fn, dataDir } = await open();
    const spec = project([fn("api", sleeper, { config })]);
    await runtime.configure(spec);
    await call(fixture, "api@production@1");
    await runtime.close();
    const again = await createRuntimeFixture({ dataDir });
    await again.runtime.configure(spec);
    await again.logged((entries) => entries.some((entry) => entry.message === "awake"));
    await again.close();
  });
});

describe("idle and crowded", () => {
  it("stops a project that has nothing to do, but none that is busy, and starts it again when asked", async () => {
    const { runtime, project, fn } = await open({ idleMs: 40 });
    const spec = fn("api", versioned(1));
    await runtime.configure(project([spec]));
    const route = await runtime.route("prj_test", spec.key);
    const flight = route.begin("socket");
    expect((await send(route, "/slow")).text).toBe("1");
    expect(fixture.events.some((event) => event.type === "process.stopped")).toBe(false);
    flight.end();
    await fixture.event((event) => event.type === "process.stopped" && event.reason === "idle");
    expect(runtime.stats().activeProcesses).toBe(0);
    expect(fixture.grants.size).toBe(0);
    expect((await call(fixture, spec.key)).text).toBe("1");
    expect(runtime.stats().starts).toBe(2);
  });

  it("stops the project that has been idle longest when there are too many, never a busy one", async () => {
    const { runtime, project, fn } = await open({ maxActiveProjects: 2 });
    const spec = fn("api", versioned(1));
    for (const id of ["a", "b", "c"]) await runtime.configure(project([spec], id));
    const busy = (await runtime.route("a", spec.key)).begin();
    await call(fixture, spec.key, "/", { projectId: "b" });
    await call(fixture, spec.key, "/", { projectId: "c" });
    await fixture.event((event) => event.type === "process.stopped" && event.reason === "evicted");
    expect(
      runtime
        .stats()
        .projects.filter((one) => one.pid !== null)
        .map((one) => one.projectId),
    ).toEqual(["a", "c"]);
    busy.end();
  });

  it("removes a project: what is in progress ends, what comes is not found", async () => {
    const { runtime, project, fn } = await open();
    const spec = fn("api", versioned(1));
    await runtime.configure(project([spec]));
    await call(fixture, spec.key);
    const slow = call(fixture, spec.key, "/slow");
    await Promise.resolve();
    const removal = runtime.remove("prj_test");
    await expect(call(fixture, spec.key)).rejects.toMatchObject({ code: "FUNCTION_NOT_FOUND" });
    expect((await slow).text).toBe("1");
    await removal;
    expect(runtime.stats().projects).toEqual([]);
    expect(fixture.grants.size).toBe(0);
  });

  it("lets requests in progress end when it is closed, and takes no more", async () => {
    const { runtime, project, fn } = await open();
    const spec = fn("api", versioned(1));
    await runtime.configure(project([spec]));
    await call(fixture, spec.key);
    const slow = call(fixture, spec.key, "/slow");
    await Promise.resolve();
    const closing = runtime.close();
    await expect(call(fixture, spec.key)).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
    expect((await slow).text).toBe("1");
    await closing;
  });
});
