import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { send } from "./harness/raw-http.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// The calls of a function's SDK where it has no binding: one address, a bare JSON result.

/** Calls the platform back with what it was given, as the SDK does. */
const WORKER = `export default {
  async fetch(request, env) {
    const { project, ...body } = await request.json();
    const answer = await fetch(env.AEROSTACK_API_URL + "/internal/hooks/rpc", {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-as-dispatch-token": request.headers.get("x-as-dispatch-token"),
        "x-as-project-id": project ?? request.headers.get("x-as-project-id"),
      },
      body: JSON.stringify({ ...body, projectId: env.AEROSTACK_PROJECT_ID }),
    });
    return new Response(await answer.text(), { status: answer.status });
  },
};`;

let server: ServerProcess;
let developer: Developer;
let project: Project;
let other: Project;
let secret: string;
let publicKey: string;

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  developer = await createDeveloper(server);
  project = await developer.createProject("called");
  other = await developer.createProject("not called");
  secret = (await developer.createKey(project, "secret")).secret;
  publicKey = (await developer.createKey(project, "public")).secret;
  await developer.call("POST", `/api/v1/projects/${project.id}/db/query`, {
    sql: "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)",
  });
});
afterAll(async () => {
  await server?.dispose();
});

async function raw(body: unknown, headers: Record<string, string> = { authorization: `Bearer ${secret}` }) {
  const text = JSON.stringify(body);
  const answer = await send(`${server.url}/internal/hooks/rpc`, {
    method: "POST",
    headers: { "content-type": "application/json", "content-length": Buffer.byteLength(text), ...headers },
    body: text,
  });
  return { status: answer.status, body: JSON.parse(answer.body) };
}
async function rpc(method: string, ...args: unknown[]): Promise<unknown> {
  const answer = await raw({ method, args, projectId: project.id });
  expect(answer).toMatchObject({ status: 200 });
  return answer.body;
}

describe("RPC", () => {
  it("W2.6-db.query gives rows, success and where they came from; missing arguments arrive as null", async () => {
    const meta = { target: "d1", rowCount: 0, duration: expect.any(Number) };
    expect(await rpc("db.query", "INSERT INTO t (name) VALUES (?)", ["Ada"])).toEqual({
      results: [],
      success: true,
      meta,
    });
    expect(await rpc("db.query", "SELECT name FROM t", null)).toMatchObject({
      results: [{ name: "Ada" }],
      success: true,
    });
    const refused = await raw({ method: "db.query", args: ["DROP TABLE t", []] });
    expect(refused.status).toBe(403);
    expect(JSON.stringify((await raw({ method: "db.query", args: ["SELECT * FROM nope", []] })).body)).toContain(
      "no such table",
    );
  });

  it("W2.6-cache.get W2.6-cache.set W2.6-cache.delete give and take the bare value", async () => {
    await rpc("cache.set", "k", { a: 1 }, null);
    expect(await rpc("cache.get", "k")).toEqual({ a: 1 });
    await rpc("cache.set", "s", "text", 60);
    expect(await rpc("cache.get", "s")).toBe("text");
    await rpc("cache.delete", "k");
    expect(await rpc("cache.get", "k")).toBeNull();
  });

  it("W2.6-cache.list names keys in the binding's form, W2.6-cache.keys as a bare list", async () => {
    await rpc("cache.set", "l:1", 1, null);
    await rpc("cache.set", "l:2", 2, 3600);
    expect(await rpc("cache.list", "l:", { limit: 10 })).toEqual({
      keys: [{ name: "l:1" }, { name: "l:2", expiration: expect.any(Number) }],
      list_complete: true,
    });
    expect(await rpc("cache.list", "l:", { limit: 1, cursor: null })).toMatchObject({
      list_complete: false,
      cursor: expect.any(String),
    });
    expect(await rpc("cache.keys", "l:")).toEqual(["l:1", "l:2"]);
  });

  it("W2.6-cache.getMany W2.6-cache.setMany W2.6-cache.deleteMany do many at once", async () => {
    await rpc("cache.setMany", [
      { key: "m:1", value: "a" },
      { key: "m:2", value: { b: 1 }, ttl: 60 },
    ]);
    expect(await rpc("cache.getMany", ["m:1", "m:3", "m:2"])).toEqual([
      { key: "m:1", value: "a" },
      { key: "m:3", value: null },
      { key: "m:2", value: { b: 1 } },
    ]);
    expect(await rpc("cache.deleteMany", ["m:1", "m:2", "m:3"])).toMatchObject({ deleted: 2 });
  });

  it("W2.6-cache.flush W2.6-cache.expire W2.6-cache.increment answer with their numbers", async () => {
    expect(await rpc("cache.increment", "c", 2, { initialValue: 10, ttl: null })).toEqual({ value: 12 });
    expect(await rpc("cache.increment", "c", null, null)).toEqual({ value: 13 });
    expect(await rpc("cache.expire", "c", 60)).toEqual({ success: true });
    expect(await rpc("cache.expire", "absent", 60)).toEqual({ success: false });
    expect(await rpc("cache.flush", "c")).toEqual({ deleted: 1 });
  });

  it("W2.6-queue.enqueue W2.6-queue.job W2.6-queue.jobs W2.6-queue.cancel keep records of jobs", async () => {
    const { jobId } = (await rpc("queue.enqueue", "x", {}, null)) as { jobId: string };
    expect(await rpc("queue.job", jobId)).toMatchObject({
      job: { id: jobId, type: "x", status: "queued" },
      exists: true,
    });
    expect(await rpc("queue.jobs", { type: "x", status: null })).toMatchObject({
      jobs: [{ id: jobId }],
      list_complete: true,
    });
    expect(await rpc("queue.cancel", jobId)).toEqual({ success: true });
    expect(await rpc("queue.cancel", jobId)).toEqual({ success: false, note: expect.any(String) });
  });

  it("W2.6-getUser W2.6-getUserByEmail find the project's users, and null for nobody", async () => {
    const path = `/api/v1/public/projects/${project.slug}/auth/register`;
    const body = JSON.stringify({ email: "ada@example.com", password: "Correct-Horse-7", name: "Ada" });
    const made = await send(`${server.url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
      body,
    });
    const { user } = JSON.parse(made.body);
    expect(await rpc("getUser", user.id)).toMatchObject({ id: user.id, email: "ada@example.com" });
    expect(await rpc("getUserByEmail", "ADA@example.com")).toMatchObject({ id: user.id });
    expect(await rpc("getUser", "usr_nobody")).toBeNull();
  });

  it("W2.6-sendEmail puts a mail into the project's outbox", async () => {
    expect(await rpc("sendEmail", "bob@example.com", "Hello", "A text")).toEqual({ success: true });
    expect((await raw({ method: "sendEmail", args: ["nobody", "Hello", "A text"] })).status).toBe(400);
  });

  it("opens for the token of the call that a function serves, never for another project", async () => {
    await developer.deploy(project, { name: "api", worker: WORKER, isPublic: true });
    const ask = async (body: object) => {
      const answer = await fetch(developer.functionUrl(project, "api"), { method: "POST", body: JSON.stringify(body) });
      return { status: answer.status, body: await answer.json() };
    };
    await rpc("cache.set", "mine", "here", null);
    expect(await ask({ method: "cache.get", args: ["mine"] })).toEqual({ status: 200, body: "here" });
    expect(await ask({ method: "cache.get", args: ["mine"], project: other.id })).toMatchObject({ status: 401 });
  });

  it("refuses public and unknown keys, methods that there are not, and arguments of another form", async () => {
    const body = { method: "cache.get", args: ["k"] };
    expect(await raw(body, { authorization: `Bearer ${publicKey}` })).toMatchObject({ status: 403 });
    expect(await raw(body, {})).toMatchObject({ status: 401 });
    expect(await raw(body, { authorization: "Bearer sk_made_up" })).toMatchObject({ status: 401 });
    expect(await raw({ ...body, projectId: other.id })).toMatchObject({ status: 401 });
    for (const method of ["nope", "constructor", "__proto__"])
      expect(await raw({ method, args: [] })).toMatchObject({ status: 404 });
    for (const args of [[], [7], [{}], "k"])
      expect(await raw({ method: "cache.get", args })).toMatchObject({ status: 400 });
  });
});
