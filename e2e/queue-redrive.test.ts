import type { JobRecord } from "@aerostack/contracts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../packages/cli/src/testing/run-command.ts";
import type { Developer, Project } from "./harness/developer.ts";
import { pollUntil } from "./harness/poll-until.ts";
import { startProjectServer } from "./harness/project-server.ts";
import type { ServerProcess } from "./harness/server-process.ts";

// Jobs that were given up, and are moved to another queue than the one that they were made in.

const REFUSER = `export default {
  queue() { throw new Error("not today"); },
  fetch() { return new Response("x"); },
};`;
const RESCUER = `export default {
  async queue(batch, env) { for (const { id } of batch.messages) await env.CACHE.put("rescued:" + id, "yes"); },
  fetch() { return new Response("x"); },
};`;

let server: ServerProcess;
let developer: Developer;
let project: Project;
let secret: string;

beforeAll(async () => {
  ({ server, developer, project, secret } = await startProjectServer("redriven"));
  const consumer = { queue: "default", maxRetries: 0, deadLetterQueue: "dead", maxBatchTimeoutSeconds: 0 };
  await developer.deploy(project, { name: "refuser", worker: REFUSER, config: { queueConsumers: [consumer] } });
});
afterAll(async () => {
  await server?.dispose();
});

async function data<Answer>(path: string, body: unknown): Promise<Answer> {
  const answer = await fetch(`${server.url}/v1/${path}`, {
    method: "POST",
    headers: { "x-aerostack-key": secret, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await answer.json()) as Answer;
}
const job = async (jobId: string) => (await data<{ job: Partial<JobRecord> }>("queue/job", { jobId })).job;
const cached = async (key: string) => (await data<{ value: string | null }>("cache/get", { key })).value;
const aerostack = async (...argv: string[]) => {
  const env = { AEROSTACK_API_URL: server.url, AEROSTACK_API_KEY: developer.accountKey };
  return await runCommand([...argv, "--project", project.slug, "--json"], { env });
};
async function failedJob(): Promise<string> {
  const { jobId } = await data<{ jobId: string }>("queue/enqueue", { type: "mail", data: {} });
  await pollUntil("the job has failed", async () => (await job(jobId)).status === "failed");
  expect(await job(jobId)).toMatchObject({ attempts: 1, error: "queue() failed with Error: not today" });
  return jobId;
}

describe("a job that is redriven to another queue", () => {
  it("waits there, is cancelled there by its id, and is delivered there when it is not", async () => {
    const [delivered, cancelled] = [await failedJob(), await failedJob()];
    const redriven = await aerostack("queue", "redrive", "dead", "--to", "rescue", "--yes");
    expect([redriven.exitCode, redriven.json()]).toMatchObject([0, { moved: 2 }]);
    for (const jobId of [delivered, cancelled]) {
      const shown = await job(jobId);
      expect(shown).toMatchObject({ status: "queued" });
      expect(shown.completedAt).toBeUndefined();
    }
    const listed = (await aerostack("queue", "jobs", "--status", "queued")).json() as { jobs: { id: string }[] };
    expect(listed.jobs.map(({ id }) => id).toSorted()).toEqual([delivered, cancelled].toSorted());

    const stopped = await aerostack("queue", "cancel", cancelled);
    expect([stopped.exitCode, stopped.json()]).toMatchObject([0, { success: true }]);
    const waiting = (await aerostack("queue", "peek", "--queue", "rescue")).json() as { messages: { id: string }[] };
    expect(waiting.messages.map(({ id }) => id)).toEqual([delivered]);

    const consumer = { queue: "rescue", maxBatchTimeoutSeconds: 0 };
    await developer.deploy(project, { name: "rescuer", worker: RESCUER, config: { queueConsumers: [consumer] } });
    await pollUntil("the job is completed", async () => (await job(delivered)).status === "completed");
    expect(await cached(`rescued:${delivered}`)).toBe("yes");
    expect(await cached(`rescued:${cancelled}`)).toBeNull();
    expect(await job(cancelled)).toMatchObject({ status: "cancelled" });
  });
});
