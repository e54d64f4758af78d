import { afterAll, beforeAll, expect, test } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { type Endpoint, publishedEndpoints } from "./harness/published-endpoints.ts";
import { send } from "./harness/raw-http.ts";
import { requestFor } from "./harness/sample-request.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// Generated from the published routes, as `two-tenants.test.ts` is.

/** What a viewer may do with a project, written down once more. */
const VIEWER = [
  "project.read",
  "functions.read",
  "data.read",
  "users.read",
  "logs.read",
  "settings.read",
  "members.read",
];

let server: ServerProcess;
let viewer: Developer;
let project: Project;
let endpoints: readonly Endpoint[];

async function post(url: string, key: string, body: unknown) {
  const headers = { "x-api-key": key, "content-type": "application/json" };
  const answer = await fetch(`${server.url}${url}`, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: answer.status, body: (await answer.json()) as Record<string, never> };
}

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  const owner = await createDeveloper(server);
  viewer = await createDeveloper(server);
  project = await owner.createProject("shared");
  endpoints = await publishedEndpoints(server.url);
  const shown = await fetch(`${server.url}/api/v1/projects/${project.id}`, {
    headers: { "x-api-key": owner.accountKey },
  });
  const { organisationId } = ((await shown.json()) as { project: { organisationId: string } }).project;
  const me = await fetch(`${server.url}/api/v1/account`, { headers: { "x-api-key": viewer.accountKey } });
  const { email } = ((await me.json()) as { user: { email: string } }).user;
  const invited = await post(`/api/v1/organisations/${organisationId}/invitations`, owner.accountKey, {
    email,
    role: "viewer",
  });
  const token = String(invited.body.link).split("token=")[1];
  expect((await post("/api/v1/invitations/accept", viewer.accountKey, { token })).status).toBe(200);
});
afterAll(async () => {
  await server?.dispose();
});

test("a viewer may call no route of a project that needs more than a viewer has, and is told what is missing", async () => {
  const own = endpoints.filter(({ path }) => path.startsWith("/api/v1/projects/{project}"));
  const needing = own.filter(({ operation }) => !VIEWER.includes(permissionOf(operation)));
  expect(needing.length).toBeGreaterThan(20);
  const wrong: string[] = [];
  for (const endpoint of own) {
    if (permissionOf(endpoint.operation) === "") wrong.push(`${endpoint.name} names no permission`);
    if (!needing.includes(endpoint) && endpoint.method !== "GET") wrong.push(`${endpoint.name} changes something`);
  }
  for (const endpoint of needing) {
    const { path, content } = requestFor(endpoint, project.id);
    const answer = await send(`${server.url}${path}`, {
      method: endpoint.method,
      headers: {
        "x-api-key": viewer.accountKey,
        ...(content === undefined
          ? {}
          : { "content-type": content.contentType, "content-length": Buffer.byteLength(content.body) }),
      },
      ...(content === undefined ? {} : { body: content.body }),
    });
    const isTold = answer.body.includes(permissionOf(endpoint.operation));
    if (answer.status !== 403 || !isTold) wrong.push(`${endpoint.name}: ${answer.status} ${answer.body}`);
  }
  expect(wrong).toEqual([]);
});

function permissionOf(operation: Endpoint["operation"]): string {
  return (operation as { readonly "x-permission"?: string })["x-permission"] ?? "";
}
