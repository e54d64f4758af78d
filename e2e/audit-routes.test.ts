import { afterAll, beforeAll, expect, test } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { type Endpoint, publishedEndpoints } from "./harness/published-endpoints.ts";
import { send } from "./harness/raw-http.ts";
import { requestFor } from "./harness/sample-request.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// Generated from the published routes: a route that is added tomorrow is held to the same guarantee. A change that was made
// leaves exactly one entry of whoever made it, a request that was refused none.

/** Addresses that change nothing, although they are not asked by GET. */
const READS: readonly RegExp[] = [/^\/api\/v1\/invitations\/show$/, /^\/api\/v1\/cli\/validate$/, /^\/internal\//];
/** What a sample cannot guess, by `METHOD path`: values of the address, and bodies. */
const BODIES: Readonly<Record<string, unknown>> = {
  "PATCH /api/v1/projects/{project}/auth/settings": { appName: "Shop" },
  "PUT /api/v1/projects/{project}/collections/{collection}": {
    schema: { type: "object", properties: { title: { type: "string" } } },
  },
  "PUT /api/v1/projects/{project}/collections/{collection}/rules": { list: "public" },
  "PUT /api/v1/projects/{project}/realtime/rules": {
    rules: [{ pattern: "room/{id}", listen: "public", publish: "signed-in" }],
  },
  "PUT /api/v1/projects/{project}/secrets/{name}": { env: "production", value: "hunter2-hunter2" },
  "POST /api/v1/projects/{project}/functions/{function}/rollback": { env: "production", version: 1 },
  "POST /api/v1/projects/{project}/functions/{function}/rollout": { env: "production", version: 2, percent: 50 },
  "POST /api/v1/projects/{project}/db/query": { sql: "CREATE TABLE t (id INTEGER)" },
  "POST /api/v1/projects/{project}/domains": { hostname: "shop.example.com", routes: [{ path: "/", function: "app" }] },
  "PUT /api/v1/projects/{project}/queues/{queue}/endpoint": { url: "https://example.com/hook" },
  "POST /api/v1/organisations/{organisation}/roles": { name: "Readers", permissions: ["project.read"] },
  "POST /api/v1/organisations/{organisation}/invitations": { email: "bob@example.com", role: "viewer" },
};
/** Capabilities whose changes the log shows before and after: they are made below, whatever the samples make. */
const SHOWN = [
  "collection.created",
  "collection.changed",
  "end_user_settings.changed",
  "function.deployed",
  "function.rolled_back",
  "function.rolled_out",
  "function.changed",
  "key.created",
  "project.changed",
  "realtime_rules.changed",
  "role.created",
  "s3_key.created",
  "secret.set",
] as const;

interface Entry {
  readonly action: string;
  readonly requestId: string | null;
  readonly actor: { readonly kind: string; readonly id: string | null };
  readonly before: unknown;
  readonly after: unknown;
}

let server: ServerProcess;
let admin: { accountKey: string; id: string };
let owner: Developer & { id: string };
let stranger: Developer;
let project: Project;
let organisation: string;
let endpoints: readonly Endpoint[];

async function json<Answer>(method: string, path: string, key: string, body?: unknown): Promise<Answer> {
  const answer = await fetch(`${server.url}${path}`, {
    method,
    headers: { "x-api-key": key, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return (await answer.json()) as Answer;
}

async function accountOf(key: string): Promise<string> {
  return (await json<{ user: { id: string } }>("GET", "/api/v1/account", key)).user.id;
}

/** Entries that are no longer new when they are asked for: all of the log. */
async function entries(): Promise<readonly Entry[]> {
  const answer = await fetch(`${server.url}/api/v1/admin/audit/export`, { headers: { "x-api-key": admin.accountKey } });
  const lines = (await answer.text()).trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Entry);
}

async function ask(endpoint: Endpoint, key: string, values: Readonly<Record<string, string>>) {
  const sample = requestFor(endpoint, project.id);
  const target = endpoint.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? "sample"));
  const given = BODIES[endpoint.name];
  const content =
    given === undefined ? sample.content : { body: JSON.stringify(given), contentType: "application/json" };
  const search = sample.path.includes("?") ? sample.path.slice(sample.path.indexOf("?")) : "";
  const { status, headers } = await send(`${server.url}${target}${search}`, {
    method: endpoint.method,
    headers: {
      "x-api-key": key,
      ...(content === undefined
        ? {}
        : { "content-type": content.contentType, "content-length": Buffer.byteLength(content.body) }),
    },
    ...(content === undefined ? {} : { body: content.body }),
  });
  return { name: endpoint.name, requestId: String(headers["x-request-id"]), status };
}

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  const setUp = await json<{ token: string }>("POST", "/api/auth/setup", "", {
    token: server.setupToken(),
    email: "first@example.com",
    password: "Correct-Horse-7",
    name: "First",
    ageConfirmed: true,
  });
  const made = await fetch(`${server.url}/api/v1/account/keys`, {
    method: "POST",
    headers: { authorization: `Bearer ${setUp.token}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "admin" }),
  });
  const { secret } = (await made.json()) as { secret: string };
  admin = { accountKey: secret, id: await accountOf(secret) };
  const developer = await createDeveloper(server);
  owner = Object.assign(developer, { id: await accountOf(developer.accountKey) });
  stranger = await createDeveloper(server);
  project = await owner.createProject("audited");
  for (const message of ["one", "two"]) {
    await owner.deploy(project, { name: "app", worker: `export default { fetch: () => new Response("${message}") }` });
  }
  ({
    project: { organisationId: organisation },
  } = await json<{ project: { organisationId: string } }>("GET", `/api/v1/projects/${project.id}`, owner.accountKey));
  endpoints = (await publishedEndpoints(server.url)).filter(
    ({ method, path, operation }) =>
      method !== "GET" &&
      operation.security.length > 0 &&
      !path.startsWith("/v1/") &&
      !READS.some((pattern) => pattern.test(path)),
  );
});
afterAll(async () => {
  await server?.dispose();
});

test("every route that changes something leaves one entry of whoever made the change, and none where it was refused", async () => {
  expect(endpoints.length).toBeGreaterThan(60);
  const values = {
    project: project.id,
    organisation,
    function: "app",
    name: "TOKEN",
    collection: "notes",
    queue: "default",
  };
  // What ends things comes last, and what ends everything at the very end.
  const ordered = endpoints.toSorted((a, b) => weightOf(a) - weightOf(b));
  const answers = [];
  for (const endpoint of ordered) answers.push(await ask(endpoint, owner.accountKey, values));
  const byRequest = Map.groupBy(await entries(), ({ requestId }) => requestId);
  const wrong: string[] = [];
  const succeeded: string[] = [];
  for (const { name, requestId, status } of answers) {
    // That a call was refused to somebody who is known is an entry of its own kind.
    const found = (byRequest.get(requestId) ?? []).filter(
      ({ actor, action }) => actor.kind !== "system" && action !== "call.refused",
    );
    const shown = found.map(({ action, actor }) => `${action} by ${actor.kind} ${actor.id}`).join(", ");
    const isDone = status >= 200 && status < 300;
    if (isDone) succeeded.push(name);
    if (found.length !== (isDone ? 1 : 0)) wrong.push(`${name} answered ${status} and left ${found.length}: ${shown}`);
    if (found.some(({ actor }) => actor.kind !== "account" || actor.id !== owner.id)) wrong.push(`${name}: ${shown}`);
  }
  expect(wrong).toEqual([]);
  // The samples must go on being good ones.
  expect(succeeded.length, answers.map(({ name, status }) => `${status} ${name}`).join("\n")).toBeGreaterThan(35);
});

test("what the log shows of changes has what was before and after, and no secret", async () => {
  const all = await entries();
  const shown = new Map(all.map((entry) => [entry.action, entry]));
  for (const action of SHOWN) {
    const entry = shown.get(action);
    expect(entry?.after ?? entry?.before, action).toBeTruthy();
  }
  expect(shown.get("project.changed")).toMatchObject({ before: { name: "audited" } });
  expect(shown.get("function.rolled_out")).toMatchObject({
    before: { serving: [{ versionNumber: 1, percent: 100 }] },
    after: {
      serving: [
        { versionNumber: 1, percent: 50 },
        { versionNumber: 2, percent: 50 },
      ],
    },
  });
  expect(shown.get("collection.changed")).toMatchObject({ after: { rules: { list: "public" } } });
  expect(JSON.stringify(all)).not.toContain("hunter2");
});

test("a stranger whose every request is refused leaves no entry of a change", async () => {
  const fresh = await owner.createProject("another");
  const values = { project: fresh.id, organisation, function: "app" };
  const about = endpoints.filter(({ path }) => /\{(?:project|organisation)\}/.test(path));
  const answers = [];
  for (const endpoint of about) answers.push(await ask(endpoint, stranger.accountKey, values));
  expect(answers.filter(({ status }) => status < 400)).toEqual([]);
  const asked = new Set(answers.map(({ requestId }) => requestId));
  expect(
    (await entries()).filter(({ requestId, action }) => action !== "call.refused" && asked.has(requestId ?? "")),
  ).toEqual([]);
});

/** Later: what removes, what its own caller cannot outlive. */
function weightOf({ method, path }: Endpoint): number {
  if (/\/projects\/\{project\}$/.test(path) && method === "DELETE") return 90;
  if (/\/move$|\/leave$|\/organisations\/\{organisation\}$/.test(path) && method !== "PATCH") return 95;
  if (/revoke-others|password\/change|totp|account\/keys\/|identities/.test(path)) return 80;
  if (method === "DELETE") return 50;
  if (/rollback/.test(path)) return 20;
  if (/rollout/.test(path)) return 21;
  return path.endsWith("/rules") ? 11 : 10;
}
