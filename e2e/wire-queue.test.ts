import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Developer, Project } from "./harness/developer.ts";
import { pollUntil } from "./harness/poll-until.ts";
import { createStrangersKey, startProjectServer } from "./harness/project-server.ts";
import { send } from "./harness/raw-http.ts";
import type { ServerProcess } from "./harness/server-process.ts";

// Jobs and functions called through the platform, as existing clients call them: exact status and body.

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
/** Keeps what it got in the cache; a job may ask it to fail. */
const CONSUMER = `export default {
  async queue(batch, env) {
    for (const message of batch.messages) {
      const { type, data } = message.body;
      await env.CACHE.put("seen:" + data.n, JSON.stringify({ ...message.body, attempts: message.attempts }));
      if (type === "throw") throw new TypeError("no user " + data.n + "\\n\\u001b[31m");
      if (type === "fail") message.retry(); else message.ack();
    }
  },
  async fetch(request) {
    const data = await request.json();
    if (data.refuse) return Response.json({ why: "no" }, { status: 409 });
    if (data.text) return new Response("plain");
    return Response.json({ method: request.method, path: new URL(request.url).pathname, data });
  },
};`;

let server: ServerProcess;
let developer: Developer;
let project: Project;
let secret: string;
let publicKey: string;
let strangersSecret: string;

beforeAll(async () => {
  ({ server, developer, project, secret, publicKey } = await startProjectServer("queued"));
  strangersSecret = await createStrangersKey(server);
});
afterAll(async () => {
  await server?.dispose();
});

async function raw(path: string, body: unknown, key = secret) {
  const text = JSON.stringify(body);
  const answer = await send(`${server.url}${path}`, {
    method: "POST",
    headers: { "x-aerostack-key": key, "content-type": "application/json", "content-length": Buffer.byteLength(text) },
    body: text,
  });
  return { status: answer.status, body: JSON.parse(answer.body) };
}
const call = async (path: string, body: unknown, status = 200) => {
  const answer = await raw(path, body);
  expect(answer).toMatchObject({ status });
  return answer.body;
};
const enqueue = async (body: object): Promise<string> => {
  const answer = await call("/v1/queue/enqueue", body, 201);
  expect(answer).toEqual({ jobId: expect.any(String), success: true });
  return answer.jobId;
};
const jobOf = async (jobId: string) => (await call("/v1/queue/job", { jobId })).job;
const ended = async (jobId: string, status: string): Promise<void> => {
  await pollUntil(`the job is ${status}`, async () => (await jobOf(jobId)).status === status);
};

describe("jobs without a consumer", () => {
  it("W2.1-16 enqueue answers 201 with the id, and W2.1-17 job shows the record", async () => {
    const jobId = await enqueue({ type: "mail", data: { to: "a@b.c" } });
    expect(await call("/v1/queue/job", { jobId })).toEqual({
      job: {
        id: jobId,
        type: "mail",
        data: { to: "a@b.c" },
        status: "queued",
        projectId: project.id,
        createdAt: expect.stringMatching(ISO),
        attempts: 0,
      },
      exists: true,
    });
    expect(await call("/v1/queue/job", { jobId: "0".repeat(32) })).toEqual({ job: null, exists: false });
    expect(await call("/v1/queue/job", { jobId: "nonsense" })).toEqual({ job: null, exists: false });
  });

  it("W2.1-16 a key makes two jobs one", async () => {
    const first = await enqueue({ type: "once", data: {}, dedupeKey: "order-7" });
    expect(await enqueue({ type: "once", data: {}, dedupeKey: "order-7" })).toBe(first);
    expect(await enqueue({ type: "once", data: {}, dedupeKey: "order-8" })).not.toBe(first);
  });

  it("W2.1-18 jobs lists the newest first, by status and type, page by page", async () => {
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) ids.push(await enqueue({ type: "listed", data: { n }, delay: 3600 }));
    const first = await call("/v1/queue/jobs", { type: "listed", limit: 2 });
    expect(first).toEqual({
      jobs: [expect.objectContaining({ id: ids[2] }), expect.objectContaining({ id: ids[1] })],
      list_complete: false,
      cursor: expect.any(String),
    });
    const second = await call("/v1/queue/jobs", { type: "listed", status: "queued", limit: 2, cursor: first.cursor });
    expect(second).toEqual({ jobs: [expect.objectContaining({ id: ids[0] })], list_complete: true });
    expect(await call("/v1/queue/jobs", { type: "listed", status: "failed" })).toEqual({
      jobs: [],
      list_complete: true,
    });
    expect((await call("/v1/queue/jobs", {})).jobs.length).toBeGreaterThan(2);
  });

  it("W2.1-19 cancel takes a job out, and says why when it is too late", async () => {
    const jobId = await enqueue({ type: "gone", data: {} });
    expect(await call("/v1/queue/cancel", { jobId })).toEqual({ success: true });
    expect(await jobOf(jobId)).toMatchObject({ status: "cancelled", completedAt: expect.stringMatching(ISO) });
    expect(await call("/v1/queue/cancel", { jobId })).toEqual({
      success: false,
      note: expect.stringContaining("cancelled"),
    });
    expect((await raw("/v1/queue/cancel", { jobId: "0".repeat(32) })).status).toBe(404);
  });

  it("are refused where they are too large or malformed, and shown to no other project or public key", async () => {
    const jobId = await enqueue({ type: "mine", data: {} });
    for (const body of [
      {},
      { type: "a" },
      { type: "", data: {} },
      { type: "a", data: 1 },
      { type: "a", data: {}, delay: -1 },
    ]) {
      expect(await raw("/v1/queue/enqueue", body)).toMatchObject({ status: 400, body: { code: "VALIDATION_ERROR" } });
    }
    expect((await raw("/v1/queue/enqueue", { type: "a", data: { x: "x".repeat(200_000) } })).status).toBe(413);
    expect((await raw("/v1/queue/jobs", { limit: 201 })).status).toBe(400);
    expect(await raw("/v1/queue/job", { jobId }, publicKey)).toMatchObject({
      status: 403,
      body: { code: "FORBIDDEN" },
    });
    expect((await raw("/v1/queue/job", { jobId }, strangersSecret)).body).toEqual({ job: null, exists: false });
    expect((await raw("/v1/queue/cancel", { jobId }, strangersSecret)).status).toBe(404);
    expect(await jobOf(jobId)).toMatchObject({ status: "queued" });
  });
});

describe("jobs and a function that consumes them", () => {
  beforeAll(async () => {
    await developer.deploy(project, {
      name: "worker",
      worker: CONSUMER,
      isPublic: false,
      config: { queueConsumers: [{ queue: "default", maxRetries: 1, maxBatchTimeoutSeconds: 0 }] },
    });
  });

  it("W2.1-17 the record follows a job to its end: delivered as {type, data, queuedAt}, completed once acknowledged", async () => {
    const jobId = await enqueue({ type: "ok", data: { n: 1 } });
    await ended(jobId, "completed");
    const { value } = await call("/v1/cache/get", { key: "seen:1" });
    expect(JSON.parse(value)).toEqual({
      type: "ok",
      data: { n: 1 },
      queuedAt: expect.stringMatching(ISO),
      attempts: 1,
    });
    expect(await jobOf(jobId)).toMatchObject({ attempts: 1, completedAt: expect.stringMatching(ISO) });
    expect(await call("/v1/queue/cancel", { jobId })).toEqual({ success: false, note: expect.any(String) });
  });

  it("W2.1-17 a job that fails to its last attempt says so, and why", async () => {
    const jobId = await enqueue({ type: "fail", data: { n: 2 } });
    await ended(jobId, "failed");
    expect(await jobOf(jobId)).toMatchObject({
      attempts: 2,
      error: "The function asked for it to be delivered again.",
    });
  });

  it("W2.1-17 a job whose consumer threw says what was thrown, on one line", async () => {
    const jobId = await enqueue({ type: "throw", data: { n: 3 } });
    await ended(jobId, "failed");
    expect(await jobOf(jobId)).toMatchObject({
      attempts: 2,
      error: "queue() failed with TypeError: no user 3 [31m",
    });
  });

  it("W2.1-39 services/invoke calls a private function with JSON and hands out what it answers", async () => {
    expect(await call("/v1/services/invoke", { serviceName: "worker", data: { a: [1] } })).toEqual({
      success: true,
      result: { method: "POST", path: "/", data: { a: [1] } },
    });
    expect(await call("/v1/services/invoke", { serviceName: "worker", data: { text: true } })).toEqual({
      success: true,
      result: "plain",
    });
    const refused = await raw("/v1/services/invoke", { serviceName: "worker", data: { refuse: true } });
    expect([refused.status, refused.body.details]).toMatchObject([502, { status: 409, result: { why: "no" } }]);
    expect((await raw("/v1/services/invoke", { serviceName: "absent", data: {} })).status).toBe(404);
    expect((await raw("/v1/services/invoke", { serviceName: "worker", data: {} }, publicKey)).status).toBe(403);
    expect((await raw("/v1/services/invoke", { serviceName: "worker", data: {} }, strangersSecret)).status).toBe(404);
  });
});
