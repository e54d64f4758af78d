import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { fixtureWorker } from "./harness/fixture-worker.ts";
import { machineFactor } from "./harness/machine-speed.ts";
import { besideNeighbour } from "./harness/neighbour.ts";
import { pollUntil } from "./harness/poll-until.ts";
import { peakGrowthBytes, residentBytes } from "./harness/process-tree.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// What user code may try against the machine it runs on. Each attack is contained: its caller gets a clear answer, the
// function works again afterwards, and the neighbour hardly notices.

const MEBIBYTE = 1024 * 1024;
/** What allocates takes as long as the machine's page faults take to come to the limit of memory. */
const WALL_MS = Math.round(4000 * machineFactor());
const LIMITS = {
  AEROSTACK_FUNCTION_WALL_MS: String(WALL_MS),
  AEROSTACK_FUNCTION_CPU_MS: "2000",
  AEROSTACK_FUNCTION_MEMORY_MB: "128",
};
/** A gigabyte, or 400,000 lines: a few seconds on a good machine. */
const LARGE_WORK_TIMEOUT_MS = 120_000;
let server: ServerProcess;
let developer: Developer;
let worker: string;
let neighbour: Project;
let project: Project;
let serial = 0;

const attack = (name: string, init?: RequestInit): Promise<Response> =>
  fetch(developer.functionUrl(project, "hostile", `/${name}`), init);

/** Runs the attack while the neighbour is called all the time. */
async function contained<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
  const target = { url: developer.functionUrl(neighbour, "kind", "/hello"), expectedBody: "hello" };
  return await besideNeighbour(what, target, work);
}

async function errorOf(answer: Response): Promise<{ status: number; text: string }> {
  return { status: answer.status, text: await answer.text() };
}

/** The function answers again: at once, or after its process was started anew. */
async function worksAgain(): Promise<void> {
  await pollUntil("the function to work again", async () => {
    const answer = await attack("hello");
    return answer.status === 200 && (await answer.text()) === "hello";
  });
}

beforeAll(async () => {
  server = await startServer({ env: { ...UNLIMITED, ...LIMITS } });
  developer = await createDeveloper(server);
  worker = await fixtureWorker("hostile");
  neighbour = await developer.createProject("neighbour");
  await developer.deploy(neighbour, { name: "kind", worker, isPublic: true, compatibilityFlags: ["nodejs_compat"] });
});
beforeEach(async () => {
  serial++;
  project = await developer.createProject(`attacker ${serial}`);
  await developer.deploy(project, { name: "hostile", worker, isPublic: true, compatibilityFlags: ["nodejs_compat"] });
  await worksAgain();
});
afterAll(async () => {
  await server?.dispose();
});

describe("CPU", () => {
  test.each(["loop", "loop-between-awaits", "backtrack"])(
    "%s: 503 FUNCTION_CPU_LIMIT, and the next call works",
    async (name) => {
      const { status, text, tookMs } = await contained(name, async () => {
        const startedAt = performance.now();
        const answer = await errorOf(await attack(name));
        return { ...answer, tookMs: performance.now() - startedAt };
      });
      expect([status, text]).toEqual([503, expect.stringContaining("FUNCTION_CPU_LIMIT")]);
      expect(tookMs).toBeLessThan(WALL_MS);
      await worksAgain();
      const { logs } = await developer.call<{ logs: { message: string }[] }>(
        "GET",
        `/api/v1/projects/${project.id}/logs?text=FUNCTION_CPU_LIMIT`,
      );
      expect(logs.length).toBeGreaterThan(0);
    },
  );

  test("a loop after the answer is stopped as well", async () => {
    expect((await attack("loop-after-answer")).status).toBe(200);
    await pollUntil("the process to be stopped and named", async () => {
      const { logs } = await developer.call<{ logs: object[] }>(
        "GET",
        `/api/v1/projects/${project.id}/logs?kind=event&text=FUNCTION_CPU_LIMIT`,
      );
      return logs.length > 0;
    });
    await worksAgain();
  });

  test("other requests of the same project that a loop brought down are answered, or told so", async () => {
    const victims = Array.from({ length: 10 }, () => attack("hello"));
    const culprit = attack("loop");
    const answers = await Promise.all([...victims, ...Array.from({ length: 10 }, () => attack("hello"))]);
    for (const answer of answers) expect([200, 502, 503]).toContain(answer.status);
    expect((await culprit).status).toBe(503);
    await worksAgain();
  });
});

describe("memory", () => {
  test.each(["memory", "memory-slowly", "memory-string", "memory-wasm"])(
    "%s: 503 FUNCTION_MEMORY_LIMIT, and the next call works",
    async (name) => {
      const { status, text } = await contained(name, async () => errorOf(await attack(name)));
      expect([status, text]).toEqual([503, expect.stringContaining("FUNCTION_MEMORY_LIMIT")]);
      await worksAgain();
    },
  );

  test("a response of 1 GB streams, the server does not hold it, and its reader may leave", {
    timeout: LARGE_WORK_TIMEOUT_MS,
  }, async () => {
    const { growthBytes } = await peakGrowthBytes(server.pid, () =>
      contained("1 GB response", async () => {
        let received = 0;
        for await (const chunk of (await attack("gigabyte")).body ?? []) received += chunk.length;
        expect(received).toBe(1024 * MEBIBYTE);
      }),
    );
    console.info(`1 GB response: the server grew by ${(growthBytes / MEBIBYTE).toFixed(1)} MB at most`);
    expect(growthBytes).toBeLessThan(128 * MEBIBYTE);
    const abort = new AbortController();
    const left = await attack("gigabyte", { signal: abort.signal });
    await left.body?.getReader().read();
    abort.abort();
    await worksAgain();
  });

  test("deep recursion and deep JSON end in an error of their own", async () => {
    expect((await attack("recursion")).status).toBe(500);
    expect((await attack("json")).status).toBeLessThan(504);
    await worksAgain();
  });
});

describe("time", () => {
  test("a promise that never settles: an error within the limit, and the next call works", async () => {
    // The runtime itself sees that nothing can settle the promise and ends the request with an exception.
    const { status, text } = await contained("never", async () => errorOf(await attack("never")));
    expect([500, 504]).toContain(status);
    if (status === 504) expect(text).toContain("FUNCTION_TIMEOUT");
    await worksAgain();
  });

  test("a function that waits too long: 504 FUNCTION_TIMEOUT", async () => {
    const startedAt = performance.now();
    const { status, text } = await errorOf(await attack("wait"));
    expect([status, text]).toEqual([504, expect.stringContaining("FUNCTION_TIMEOUT")]);
    expect(performance.now() - startedAt).toBeGreaterThan(WALL_MS - 100);
    expect(performance.now() - startedAt).toBeLessThan(1.5 * WALL_MS);
    await worksAgain();
  });

  test("100,000 timers: the runtime refuses to hold more than 10,000 at a time, and says so", async () => {
    const refused = await contained("100,000 timers at once", () => attack("timers?at-once=100000"));
    expect(refused.status).toBe(500);
    const requestId = refused.headers.get("x-request-id") ?? "";
    const message = await pollUntil("the exception", async () => {
      const { logs } = await developer.call<{ logs: { kind: string; message: string }[] }>(
        "GET",
        `/api/v1/projects/${project.id}/logs?requestId=${requestId}`,
      );
      return logs.find((line) => line.kind === "exception")?.message;
    });
    expect(message).toMatch(/timeouts/);
    const fired = await contained("100,000 timers in turn", () => attack("timers?at-once=10000"));
    // Firing them all takes a second or two; on a machine that is busy otherwise, longer than this server's wall time.
    expect([
      [200, "100000"],
      [504, expect.stringContaining("FUNCTION_TIMEOUT")],
    ]).toContainEqual([fired.status, await fired.text()]);
    expect((await contained("1,000 intervals", () => attack("intervals"))).status).toBe(200);
    await worksAgain();
  });

  test("2,000 binding calls at once", async () => {
    const answer = await contained("2,000 binding calls", () => attack("deep-calls"));
    expect([200, 500]).toContain(answer.status);
    await worksAgain();
  });
});

describe("what surrounds the function", () => {
  test("no file, process, environment or evaluator of the machine is within reach", async () => {
    const found = (await (await attack("reach")).json()) as Record<string, string>;
    console.info(`reach: ${JSON.stringify(found)}`);
    expect(found.eval).toMatch(/^refused/);
    expect(found.Function).toMatch(/^refused/);
    expect(found.passwd).not.toContain("root:");
    expect(found["process.env"] ?? "").not.toMatch(/PATH|HOME|AEROSTACK_DATA/);
    expect(found.exec).not.toMatch(/uid=/);
    expect(found.socket).not.toBe("connected");
    expect(found.root ?? "").not.toMatch(/home|usr|var/);
    for (const way of ["exit", "abort"]) expect((await attack(way)).status).toBeGreaterThanOrEqual(500);
    await worksAgain();
  });

  test("bindings cannot be talked into other projects' resources", async () => {
    const found = (await (await attack("bindings")).json()) as Record<string, unknown>;
    for (const value of Object.values(found)) {
      if (value !== null) expect(value).toMatch(/^refused/);
    }
  });

  test("a function that returns no response, or odd headers, is answered for", async () => {
    expect((await attack("not-a-response")).status).toBe(500);
    const answer = await attack("answer-headers");
    expect([answer.status, await answer.text()]).toEqual([200, "headers"]);
    expect(answer.headers.get("x-request-id")).not.toBe("forged");
    expect(answer.headers.get("x-ratelimit-limit")).not.toBe("1");
  });

  test("a flood of log lines slows nobody else and fills nothing", { timeout: LARGE_WORK_TIMEOUT_MS }, async () => {
    const before = await residentBytes(server.pid);
    await contained("log flood", async () => {
      // The runtime itself keeps 256 KB of lines of one request, so the flood comes from many.
      const flood = async (): Promise<void> => {
        for (let round = 0; round < 25; round++) expect((await attack("flood?lines=2000")).status).toBe(200);
      };
      await Promise.all(Array.from({ length: 8 }, flood));
    });
    const grownBytes = (await residentBytes(server.pid)) - before;
    console.info(`log flood of 400,000 lines: the server is ${(grownBytes / MEBIBYTE).toFixed(1)} MB larger`);
    expect(grownBytes).toBeLessThan(200 * MEBIBYTE);
    const { logs } = await pollUntil("a note of what was dropped", async () => {
      const answer = await developer.call<{ logs: { message: string }[] }>(
        "GET",
        `/api/v1/projects/${project.id}/logs?text=dropped`,
      );
      return answer.logs.length > 0 ? answer : undefined;
    });
    expect(logs[0]?.message).toMatch(/\d+/);
    await worksAgain();
  });
});

test("a project that keeps crashing is paused with the time to wait, its neighbour is not", async () => {
  const seen: string[] = [];
  const paused = await contained("crash loop", () =>
    pollUntil(
      "the project to be paused",
      async () => {
        const answer = await attack("memory");
        const { text } = await errorOf(answer);
        seen.push(`${answer.status} ${/FUNCTION_\w+/.exec(text)?.[0]}`);
        return text.includes("FUNCTION_BACKOFF") ? answer : undefined;
      },
      Math.round(20_000 * machineFactor()),
    ),
  );
  console.info(`crash loop: ${seen.join(", ")}`);
  expect(paused.status).toBe(503);
  expect(Number(paused.headers.get("retry-after"))).toBeGreaterThan(0);
  // A new version is a new chance, and so is the end of the pause.
  await worksAgain();
});
