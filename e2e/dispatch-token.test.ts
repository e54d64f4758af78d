import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// What the token of a call opens that a function of a project serves, and what it does not.

/** Sends what it is told to, with the token of this very call; `show` answers the token. */
const CALLER = `export default {
  async fetch(request, env) {
    const token = request.headers.get("x-as-dispatch-token");
    const { show, method = "POST", path, body, project = request.headers.get("x-as-project-id") } = await request.json();
    if (show) return Response.json({ token });
    const answer = await fetch(env.AEROSTACK_API_URL + path, {
      method,
      headers: { "content-type": "application/json", "x-as-dispatch-token": token, "x-as-project-id": project },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return new Response(await answer.text(), { status: answer.status });
  },
};`;
const PRIVATE = `export default { fetch: () => Response.json({ from: "private" }) };`;

let server: ServerProcess;
let developer: Developer;
let project: Project;
let other: Project;

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  developer = await createDeveloper(server);
  project = await developer.createProject("caller");
  other = await developer.createProject("other");
  await developer.deploy(project, { name: "caller", worker: CALLER, isPublic: true });
  await developer.deploy(project, { name: "private", worker: PRIVATE });
  await developer.deploy(other, { name: "private", worker: PRIVATE });
});
afterAll(async () => {
  await server?.dispose();
});

async function through(request: object, headers: Record<string, string> = {}) {
  const answer = await fetch(developer.functionUrl(project, "caller"), {
    method: "POST",
    headers,
    body: JSON.stringify(request),
  });
  return { status: answer.status, body: (await answer.json()) as { code?: string; token: string } };
}

describe("the token of a call", () => {
  it("opens the data plane and the private functions of its project", async () => {
    const set = await through({ path: "/v1/cache/set", body: { key: "k", value: { a: 1 } } });
    expect(set).toEqual({ status: 200, body: { success: true } });
    const get = await through({ path: "/v1/cache/get", body: { key: "k" } });
    expect(get).toEqual({ status: 200, body: { value: { a: 1 }, exists: true } });
    const query = await through({ path: "/v1/db/query", body: { sql: "SELECT 1 AS one" } });
    expect(query).toEqual({ status: 200, body: { results: [{ one: 1 }], count: 1 } });
    for (const path of ["/v1/custom/private", `/f/${project.slug}/private`]) {
      expect(await through({ method: "GET", path })).toEqual({ status: 200, body: { from: "private" } });
    }
  });

  it("opens nothing of another project, by its id or by the address", async () => {
    for (const path of ["/v1/cache/get", "/v1/custom/private", "/internal/hooks/rpc"]) {
      const answer = await through({ path, body: { key: "k", method: "cache.get", args: ["k"] }, project: other.id });
      expect([path, answer.status]).toEqual([path, 401]);
    }
    const direct = await through({ method: "GET", path: `/f/${other.slug}/private` });
    expect(direct.status).toBe(401);
  });

  it("does not open the management of its project", async () => {
    const { body } = await through({ show: true });
    const headers = { "x-as-dispatch-token": body.token, "x-as-project-id": project.id };
    for (const path of [`/api/v1/projects/${project.id}/keys`, `/api/v1/projects/${project.id}/secrets`]) {
      expect((await fetch(server.url + path, { headers })).status).toBe(401);
    }
  });

  it("is the platform's own: what a caller sends under these names does not reach the function", async () => {
    const { body } = await through({ show: true }, { "x-as-dispatch-token": "mine", "x-as-project-id": other.id });
    expect(body.token).not.toBe("mine");
    const get = await through({ path: "/v1/cache/get", body: { key: "k" } }, { "x-as-project-id": other.id });
    expect(get.status).toBe(200);
  });
});
