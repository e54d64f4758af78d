import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { type Endpoint, publishedEndpoints } from "./harness/published-endpoints.ts";
import { send } from "./harness/raw-http.ts";
import { requestFor } from "./harness/sample-request.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// Over every management address that takes JSON, so that one that is added tomorrow is attacked in the same way.

/** They end the session, or the project, that the rest of the run needs. */
const SKIPPED = /logout|^DELETE \/api\/v1\/projects\/\{project\}$|^DELETE \/api\/v1\/account|\/close$/;
const FORGED_ID = "forged_0123456789";
const FORGED_TIME = "2001-02-03T04:05:06.789Z";
const MEGABYTE = 1024 * 1024;

let server: ServerProcess;
let developer: Developer;
let victim: Developer;
let project: Project;
let victimId: string;
let endpoints: readonly (Endpoint & { readonly fields: Readonly<Record<string, FieldSchema>> })[];

interface FieldSchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
}

interface Me {
  readonly user: { readonly id: string; readonly isAdmin: boolean; readonly emailVerified: boolean };
}

const whoIs = async ({ token }: Developer): Promise<Me> => {
  const answer = await fetch(`${server.url}/api/auth/me`, { headers: { authorization: `Bearer ${token}` } });
  return (await answer.json()) as Me;
};

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  developer = await createDeveloper(server);
  victim = await createDeveloper(server);
  project = await developer.createProject("attacked");
  victimId = (await whoIs(victim)).user.id;
  endpoints = (await publishedEndpoints(server.url)).flatMap((endpoint) => {
    const schema = endpoint.operation.requestBody?.content["application/json"]?.schema as
      | { readonly properties?: Readonly<Record<string, FieldSchema>> }
      | undefined;
    if (!endpoint.path.startsWith("/api/") || schema?.properties === undefined || SKIPPED.test(endpoint.name))
      return [];
    return [{ ...endpoint, fields: schema.properties }];
  });
  expect(endpoints.length).toBeGreaterThan(40);
});
afterAll(async () => {
  await server?.dispose();
});

/** The request that the reference describes, with these fields in its body. */
async function ask(endpoint: Endpoint, extra: Readonly<Record<string, unknown>>) {
  const { path, content } = requestFor(endpoint, project.id);
  const body = JSON.stringify({ ...(JSON.parse(content?.body ?? "{}") as object), ...extra });
  return await send(`${server.url}${path}`, {
    method: endpoint.method,
    headers: {
      "x-api-key": developer.accountKey,
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    },
    body,
  });
}

/** Everything that the developer and the victim can see of what they have. */
async function whatIsThere(): Promise<string> {
  const lists = [
    "/api/v1/projects",
    "/api/v1/organisations",
    "/api/v1/account/keys",
    `/api/v1/projects/${project.id}/keys`,
  ];
  const seen = await Promise.all(lists.map((path) => developer.call("GET", path)));
  const theirs = await Promise.all(lists.slice(0, 3).map((path) => victim.call("GET", path)));
  // When a key was used last is no state that a refused request leaves.
  return JSON.stringify([seen, theirs]).replace(/"lastUsed\w*":("[^"]*"|null)/g, "");
}

describe("every management address that takes JSON", () => {
  test("takes no field that it does not name: nobody becomes an admin, an owner or somebody else", async () => {
    const before = await whoIs(developer);
    const wrong: string[] = [];
    for (const endpoint of endpoints) {
      const privileged: Record<string, unknown> = {
        id: FORGED_ID,
        accountId: victimId,
        account_id: victimId,
        ownerId: victimId,
        owner_id: victimId,
        userId: victimId,
        isAdmin: true,
        is_admin: 1,
        emailVerified: true,
        email_verified_at: 1,
        credentialId: FORGED_ID,
        createdAt: FORGED_TIME,
        created_at: FORGED_TIME,
        revokedAt: FORGED_TIME,
        __proto__: { isAdmin: true },
        constructor: { prototype: { isAdmin: true } },
      };
      for (const name of Object.keys(endpoint.fields)) delete privileged[name];
      const { status, body } = await ask(endpoint, privileged);
      if (status >= 500 && status !== 501 && status !== 503) wrong.push(`${endpoint.name} → ${status}`);
      const took = [FORGED_ID, FORGED_TIME, victimId].filter((value) => status < 300 && body.includes(value));
      if (took.length > 0) wrong.push(`${endpoint.name} took ${took.join(", ")}: ${body.slice(0, 300)}`);
    }
    expect(wrong).toEqual([]);
    const after = await whoIs(developer);
    expect(after.user).toMatchObject({ isAdmin: false, id: before.user.id, emailVerified: before.user.emailVerified });
    expect((await whoIs(victim)).user).toMatchObject({ isAdmin: false, id: victimId });
    const { projects } = await victim.call<{ projects: unknown[] }>("GET", "/api/v1/projects");
    expect(projects).toEqual([]);
  });

  test("shows names that are markup as the text that they are, and to no browser as a page", async () => {
    const markup = `<script>alert(1)</script><img src=x onerror="alert(1)">`;
    const wrong: string[] = [];
    let tried = 0;
    for (const endpoint of endpoints) {
      for (const name of ["name", "subject", "title", "description", "text", "displayName"].filter(isText(endpoint))) {
        tried++;
        const { status, headers } = await ask(endpoint, { [name]: markup });
        const type = String(headers["content-type"]);
        if (status >= 500) wrong.push(`${endpoint.name} ${name} → ${status}`);
        if (!type.startsWith("application/json") || headers["x-content-type-options"] !== "nosniff") {
          wrong.push(`${endpoint.name} ${name} is answered as ${type}, ${headers["x-content-type-options"]}`);
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(tried).toBeGreaterThan(5);
  });

  test("refuses names with line breaks, control characters and turned direction, and keeps nothing of them", async () => {
    const before = await whatIsThere();
    const wrong: string[] = [];
    for (const endpoint of endpoints.filter((one) => isText(one)("name"))) {
      for (const name of ["a\r\nx-injected: 1", "a\u0000b", "\u202egpj.exe", "\u001b[31mred"]) {
        const { status, headers } = await ask(endpoint, { name });
        if (status < 400 || status >= 500) wrong.push(`${endpoint.name} ${JSON.stringify(name)} → ${status}`);
        if ("x-injected" in headers) wrong.push(`${endpoint.name} lets headers in`);
      }
    }
    expect(wrong).toEqual([]);
    expect(await whatIsThere()).toBe(before);
  });

  test("refuses what is far too large, in every field, and keeps nothing of it", async () => {
    const before = await whatIsThere();
    const wrong: string[] = [];
    for (const endpoint of endpoints) {
      for (const [name, schema] of Object.entries(endpoint.fields)) {
        const large = schema.type === "array" ? Array.from({ length: 100_000 }, () => "x") : "x".repeat(MEGABYTE + 1);
        const { status } = await ask(endpoint, { [name]: large }).catch(() => ({ status: 413 }));
        if (status < 400 || status >= 500) wrong.push(`${endpoint.name} ${name} → ${status}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(await whatIsThere()).toBe(before);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  });
});

/** Fields of free text, which are neither one of a few words nor of a format. */
function isText({ fields }: { readonly fields: Readonly<Record<string, FieldSchema>> }) {
  return (name: string): boolean => {
    const schema = fields[name];
    return (
      schema?.type === "string" &&
      schema.enum === undefined &&
      schema.const === undefined &&
      schema.format === undefined
    );
  };
}
