import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDeveloper, type Developer, type Project, RequestFailed } from "./harness/developer.ts";
import { pollUntil } from "./harness/poll-until.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// A queue whose messages go to an address outside, from the request that makes the job to the receiver that takes it.

interface Received {
  readonly headers: Record<string, string>;
  readonly text: string;
}

const CONSUMER = `export default { queue(batch) { batch.ackAll(); }, fetch() { return new Response("x"); } };`;

let receiver: Server;
let received: Received[] = [];
let statusOf: (job: { type: string }, times: number) => number = () => 200;
let hook: string;
let server: ServerProcess;
let developer: Developer;
let project: Project;
let key: string;
let signing: string;

beforeAll(async () => {
  receiver = createServer((req, res) => {
    let text = "";
    req.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    req.on("end", () => {
      received.push({ headers: req.headers as Record<string, string>, text });
      const times = received.filter((one) => one.headers["webhook-id"] === req.headers["webhook-id"]).length;
      res.writeHead(statusOf(JSON.parse(text), times)).end("the receiver's words");
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const { port } = receiver.address() as AddressInfo;
  hook = `http://127.0.0.1:${port}/hook`;
  server = await startServer({ env: { ...UNLIMITED, AEROSTACK_EGRESS_ALLOW: `127.0.0.1:${port}` } });
  developer = await createDeveloper(server);
  project = await developer.createProject("hooked");
  key = (await developer.createKey(project, "secret")).secret;
  signing = await putEndpoint(hook);
});
afterAll(async () => {
  await server?.dispose();
  receiver.closeAllConnections();
  receiver.close();
});

const endpointPath = (queue = "default"): string => `/api/v1/projects/${project.id}/queues/${queue}/endpoint`;

async function putEndpoint(url: string, extra: object = {}): Promise<string> {
  return (await developer.call<{ secret: string }>("PUT", endpointPath(), { url, ...extra })).secret;
}
async function data<Answer>(path: string, body: unknown): Promise<Answer> {
  const answer = await fetch(`${server.url}/v1/queue/${path}`, {
    method: "POST",
    headers: { "x-aerostack-key": key, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await answer.json()) as Answer;
}
const enqueue = async (type: string): Promise<string> =>
  (await data<{ jobId: string }>("enqueue", { type, data: { n: 1 } })).jobId;
const job = async (jobId: string) =>
  (await data<{ job: { status: string; attempts: number; error?: string } }>("job", { jobId })).job;
async function untilStatus(jobId: string, status: string) {
  await pollUntil(`the job is ${status}`, async () => (await job(jobId)).status === status);
  return await job(jobId);
}
const deliveriesOf = (jobId: string): Received[] => received.filter((one) => one.headers["webhook-id"] === jobId);

describe("a queue with an endpoint", () => {
  it("posts each job once, signed, with the job's id, and notes that it was taken", async () => {
    const jobId = await enqueue("mail");
    expect(await untilStatus(jobId, "completed")).toMatchObject({ attempts: 1 });
    const [delivery, ...more] = deliveriesOf(jobId);
    expect(more).toEqual([]);
    const payload = new Webhook(signing).verify(delivery?.text ?? "", delivery?.headers ?? {});
    expect(payload).toEqual({ type: "mail", data: { n: 1 }, queuedAt: expect.stringMatching(/^\d{4}-.*Z$/) });
  });

  it("posts again, with a new signature and the same id, what was refused", async () => {
    statusOf = (_job, times) => (times < 2 ? 500 : 202);
    const jobId = await enqueue("flaky");
    expect(await untilStatus(jobId, "completed")).toMatchObject({ attempts: 2 });
    const deliveries = deliveriesOf(jobId);
    expect(deliveries.map(({ headers }) => headers["x-aerostack-attempt"])).toEqual(["1", "2"]);
    const waited = deliveries.map(({ headers }) => Number(headers["webhook-timestamp"]));
    expect((waited[1] ?? 0) - (waited[0] ?? 0)).toBeGreaterThanOrEqual(2);
    for (const { text, headers } of deliveries) new Webhook(signing).verify(text, headers);
    statusOf = () => 200;
  });

  it("gives up to the dead letters, from where a redrive brings it back", async () => {
    statusOf = ({ type }) => (type === "poison" ? 422 : 200);
    await putEndpoint(hook, { maxRetries: 0 });
    const jobId = await enqueue("poison");
    expect(await untilStatus(jobId, "failed")).toMatchObject({
      attempts: 1,
      error: "The endpoint answered 422: the receiver's words",
    });
    const dead = await developer.call<{ messages: { id: string }[] }>(
      "GET",
      `/api/v1/projects/${project.id}/queues/default-dead/messages`,
    );
    expect(dead.messages.map(({ id }) => id)).toEqual([jobId]);
    statusOf = () => 200;
    await developer.call("POST", `/api/v1/projects/${project.id}/queues/default-dead/redrive`, {});
    await untilStatus(jobId, "completed");
    expect(deliveriesOf(jobId)).toHaveLength(2);
  });

  it("delivers after a crash what was waiting", async () => {
    statusOf = () => 503;
    const jobId = await enqueue("patient");
    await pollUntil("it was refused once", async () => deliveriesOf(jobId).length > 0);
    await putEndpoint(hook, { maxRetries: 5 });
    const { dataDir, port } = server;
    const env = { ...UNLIMITED, AEROSTACK_EGRESS_ALLOW: new URL(hook).host };
    const waiting = await enqueue("patient");
    await server.kill();
    statusOf = () => 200;
    server = await startServer({ dataDir, port, env });
    await untilStatus(waiting, "completed");
    const [last] = deliveriesOf(waiting).slice(-1);
    expect(new Webhook(signing).verify(last?.text ?? "", last?.headers ?? {})).toMatchObject({ type: "patient" });
  });

  it("sends what only functions can read to the dead letters at once, and the log says so", async () => {
    const sender = `export default { async fetch(request, env) {
      await env.QUEUE.send(new Map([["only", "V8"]]));
      return new Response("sent");
    } };`;
    const upload = { name: "old-sender", worker: sender, compatibilityDate: "2024-01-01", isPublic: true };
    await developer.deploy(project, upload);
    const before = received.length;
    expect(await (await fetch(developer.functionUrl(project, "old-sender"))).text()).toBe("sent");
    const path = `/api/v1/projects/${project.id}`;
    const dead = await pollUntil("it is a dead letter", async () => {
      const answer = await developer.call<{ messages: { id: string; contentType: string }[] }>(
        "GET",
        `${path}/queues/default-dead/messages`,
      );
      return answer.messages.find(({ contentType }) => contentType === "v8");
    });
    const line = await pollUntil("the log says so", async () => {
      const { logs } = await developer.call<{ logs: { message: string; kind: string; level: string }[] }>(
        "GET",
        `${path}/logs?level=error`,
      );
      return logs.find(({ message }) => message.includes(dead.id));
    });
    expect(line).toMatchObject({ kind: "event", level: "error" });
    expect(line.message).toBe(
      `The message '${dead.id}' of the queue 'default' went to the dead letters 'default-dead' undelivered. The message is in the format 'v8', which only functions read. Send it with { contentType: "json" }.`,
    );
    expect(received).toHaveLength(before);
  });

  it("keeps functions from consuming the same queue, and is kept from it by one that does", async () => {
    const config = { queueConsumers: [{ queue: "default" }] };
    const refused = await developer
      .deploy(project, { name: "thief", worker: CONSUMER, config })
      .catch((error) => error);
    expect(refused).toBeInstanceOf(RequestFailed);
    expect(refused).toMatchObject({ status: 409, message: expect.stringContaining("the endpoint http://127.0.0.1") });
    // One that only happens to have queue() is deployed, and consumes nothing.
    await developer.deploy(project, { name: "bystander", worker: CONSUMER });
    const jobId = await enqueue("mine");
    await untilStatus(jobId, "completed");
    expect(deliveriesOf(jobId)).toHaveLength(1);

    await developer.deploy(project, {
      name: "owner",
      worker: CONSUMER,
      config: { queueConsumers: [{ queue: "own" }] },
    });
    await expect(developer.call("PUT", endpointPath("own"), { url: hook })).rejects.toMatchObject({ status: 409 });
  });

  it("gets every message where a roll-back has brought a function that consumes the queue too; removed, it leaves them to that", async () => {
    const queue = "twice";
    const consuming = { queueConsumers: [{ queue, maxBatchTimeoutSeconds: 0 }] };
    const worker = `export default {
      async queue(batch, env) { for (const { id } of batch.messages) await env.CACHE.put("took:" + id, "yes"); },
      async fetch(request, env) { return Response.json((await env.CACHE.list({ prefix: "took:" })).keys.length); },
    };`;
    await developer.deploy(project, { name: "former", worker, config: consuming, isPublic: true });
    const consumingElse = { queueConsumers: [{ queue: "elsewhere" }] };
    await developer.deploy(project, { name: "former", worker, config: consumingElse, isPublic: true });
    await developer.call("PUT", endpointPath(queue), { url: hook });
    await developer.call("POST", `/api/v1/projects/${project.id}/functions/former/rollback`, { version: 1 });

    const taken = async (): Promise<number> =>
      (await (await fetch(developer.functionUrl(project, "former"))).json()) as number;
    const shown = async () =>
      (
        await developer.call<{ queues: { name: string; endpoint: string | null; consumer: string | null }[] }>(
          "GET",
          `/api/v1/projects/${project.id}/queues`,
        )
      ).queues.find(({ name }) => name === queue);
    const send = async (n: number): Promise<void> => {
      const path = `/api/v1/projects/${project.id}/queues/${queue}/messages`;
      await developer.call("POST", path, { body: { type: "both", n } });
    };
    const isEmpty = async (): Promise<boolean> => {
      const path = `/api/v1/projects/${project.id}/queues/${queue}/messages`;
      return (await developer.call<{ messages: unknown[] }>("GET", path)).messages.length === 0;
    };
    const posted = (): number[] =>
      received.flatMap(({ text }) => (JSON.parse(text).type === "both" ? [JSON.parse(text).n] : []));

    for (let n = 0; n < 20; n++) await send(n);
    await pollUntil("all were taken", isEmpty);
    expect(posted().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(await taken()).toBe(0);
    expect(await shown()).toMatchObject({ endpoint: hook, consumer: null });

    await developer.call("DELETE", endpointPath(queue));
    await send(20);
    await pollUntil("the function took it", async () => (await taken()) === 1);
    expect(posted()).not.toContain(20);
    expect(await shown()).toMatchObject({ endpoint: null, consumer: "former" });
  });

  it("is shown with the queue, and leaves the messages where they are when it is removed", async () => {
    const list = async () =>
      (
        await developer.call<{ queues: { name: string; endpoint: string | null; consumer: string | null }[] }>(
          "GET",
          `/api/v1/projects/${project.id}/queues`,
        )
      ).queues.find(({ name }) => name === "default");
    expect(await list()).toMatchObject({ endpoint: hook, consumer: null });
    await developer.call("DELETE", endpointPath());
    expect(await list()).toMatchObject({ endpoint: null });
    received = [];
    const jobId = await enqueue("unheard");
    expect(await job(jobId)).toMatchObject({ status: "queued", attempts: 0 });
    await putEndpoint(hook);
    await untilStatus(jobId, "completed");
  });
});
