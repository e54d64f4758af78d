import { afterAll, beforeAll, expect, test } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { fixtureWorker } from "./harness/fixture-worker.ts";
import { pollUntil } from "./harness/poll-until.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";
import { eventData } from "./harness/server-sent-events.ts";

interface LogLine {
  readonly kind: string;
  readonly level: string;
  readonly message: string;
  readonly requestId: string | null;
  readonly status: number | null;
  readonly path: string | null;
  readonly latencyMs: number | null;
  readonly time: string;
}

let server: ServerProcess;
let developer: Developer;
let project: Project;
let key: { id: string; secret: string };

async function logs(query: Record<string, string>): Promise<LogLine[]> {
  const found: LogLine[] = [];
  let cursor: string | null = null;
  do {
    const search = new URLSearchParams({ limit: "200", ...query, ...(cursor === null ? {} : { cursor }) });
    const page: { logs: LogLine[]; nextCursor: string | null } = await developer.call(
      "GET",
      `/api/v1/projects/${project.id}/logs?${search}`,
    );
    found.push(...page.logs);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return found;
}
const call = (path: string, init?: RequestInit): Promise<Response> =>
  fetch(developer.functionUrl(project, "talker", path), {
    ...init,
    headers: { "x-api-key": key.secret, ...init?.headers },
  });

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  developer = await createDeveloper(server);
  project = await developer.createProject("logs");
  key = await developer.createKey(project);
  await developer.deploy(project, { name: "talker", worker: await fixtureWorker("logs"), isPublic: false });
});
afterAll(async () => {
  await server?.dispose();
});

test("a request id leads to its request line and to everything that the function said", async () => {
  const answer = await call("/talk?mark=m1");
  const requestId = answer.headers.get("x-request-id") ?? "";
  expect(await answer.text()).toBe(requestId);
  const found = await pollUntil("all lines", async () => {
    const lines = await logs({ requestId });
    return lines.length >= 6 ? lines : undefined;
  });
  expect(found).toHaveLength(6);
  expect(found.find((line) => line.kind === "request")).toMatchObject({
    level: "info",
    method: "GET",
    path: "/talk?mark=m1",
    status: 200,
    function: "talker",
    env: "production",
    version: 1,
    keyId: key.id,
    ip: "127.0.0.1",
    latencyMs: expect.any(Number),
  });
  const said = found.filter((line) => line.kind === "console").map(({ level, message }) => [level, message]);
  expect(said).toHaveLength(5);
  expect(said).toEqual(
    expect.arrayContaining([
      ["debug", "debug m1"],
      ["info", expect.stringMatching(/^log .*nested.* m1$/s)],
      ["info", "info m1"],
      ["warn", "warn m1"],
      ["error", expect.stringMatching(/^error .*only logged.*m1$/s)],
    ]),
  );
});

test("an exception is logged with its stack, and its caller sees no more than an error", async () => {
  const answer = await call("/throw?mark=m2");
  const requestId = answer.headers.get("x-request-id") ?? "";
  expect(answer.status).toBe(500);
  expect(await answer.text()).not.toContain("worker.js");
  const exception = await pollUntil("the exception", async () =>
    (await logs({ requestId })).find((line) => line.kind === "exception"),
  );
  expect(exception).toMatchObject({
    level: "error",
    message: expect.stringMatching(/TypeError: broken by m2[\s\S]*at /),
  });
});

test("a caller's own request id is used, unless it is not fit to be one", async () => {
  const own = await call("/talk?mark=own", { headers: { "x-request-id": "0192f0c1-7f3a-7c4e-8a51-1d2e3f4a5b6c" } });
  expect(own.headers.get("x-request-id")).toBe("0192f0c1-7f3a-7c4e-8a51-1d2e3f4a5b6c");
  const odd = await call("/talk?mark=odd", { headers: { "x-request-id": "a'; DROP TABLE logs; --".repeat(20) } });
  expect(odd.headers.get("x-request-id")).toMatch(/^[\w-]{8,100}$/);
});

test("lines are found by text, level, status and time, newest first", async () => {
  await (await call("/talk?mark=findme")).text();
  await (await call("/throw?mark=findme")).text();
  const warned = await pollUntil("the warning", async () => {
    const lines = await logs({ text: "warn findme" });
    return lines.length === 1 ? lines : undefined;
  });
  expect(warned[0]).toMatchObject({ kind: "console", level: "warn" });
  const failed = await logs({ status: "5xx", text: "findme" });
  expect(failed.map((line) => line.path)).toEqual(["/throw?mark=findme"]);
  const levels = await pollUntil("the errors", async () => {
    const lines = await logs({ level: "error", text: "findme" });
    return lines.length >= 3 ? lines : undefined;
  });
  expect(new Set(levels.map((line) => line.level))).toEqual(new Set(["error"]));
  const all = await logs({});
  const times = all.map((line) => line.time);
  expect(times).toEqual([...times].sort().reverse());
  const middle = times[Math.floor(times.length / 2)] ?? "";
  for (const line of await logs({ since: middle })) expect(line.time >= middle).toBe(true);
});

test("every request under load is counted exactly once", async () => {
  const total = 600;
  let sent = 0;
  const worker = async (): Promise<void> => {
    while (sent < total) {
      const number = sent++;
      await (await call(`/counted-${number}?mark=load`)).text();
    }
  };
  await Promise.all(Array.from({ length: 20 }, worker));
  const lines = (await logs({ text: "/counted-" })).filter((line) => line.kind === "request");
  expect(new Set(lines.map((line) => line.path)).size).toBe(total);
  expect(lines).toHaveLength(total);
});

test("a live tail shows lines as they are written, filtered, and ends with its reader", async () => {
  const abort = new AbortController();
  const tail = await fetch(`${server.url}/api/v1/projects/${project.id}/logs/tail?level=warn`, {
    headers: { "x-api-key": developer.accountKey },
    signal: abort.signal,
  });
  expect(tail.headers.get("content-type")).toMatch(/^text\/event-stream/);
  const events = eventData(tail.body);
  await (await call("/talk?mark=live")).text();
  const received: LogLine[] = [];
  for await (const data of events) {
    received.push(JSON.parse(data) as LogLine);
    if (received.length === 2) break;
  }
  expect(received.map((line) => line.level).sort()).toEqual(["error", "warn"]);
  abort.abort();
  const refused = await fetch(`${server.url}/api/v1/projects/${project.id}/logs/tail`);
  expect(refused.status).toBe(401);
});
