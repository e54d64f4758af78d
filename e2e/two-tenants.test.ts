import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { type Endpoint, publishedEndpoints } from "./harness/published-endpoints.ts";
import { send } from "./harness/raw-http.ts";
import { requestFor } from "./harness/sample-request.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// Generated from the published routes: a route that is added tomorrow is held to the same guarantee. Somebody who knows
// the id of a project that is not theirs learns from no address whether it exists.

/** Addresses that name a project and are meant for everybody. */
const PUBLIC: readonly RegExp[] = [/^\/api\/v1\/public\//];

let server: ServerProcess;
let owner: Developer;
let stranger: Developer;
let project: Project;
let strangersKey: string;
let endpoints: readonly Endpoint[];

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  owner = await createDeveloper(server);
  stranger = await createDeveloper(server);
  project = await owner.createProject("theirs");
  strangersKey = (await stranger.createKey(await stranger.createProject("own"))).secret;
  endpoints = await publishedEndpoints(server.url);
});
afterAll(async () => {
  await server?.dispose();
});

/** The answer without what differs from request to request anyway. */
async function answerOf(endpoint: Endpoint, projectRef: string, headers: Readonly<Record<string, string>>) {
  const { path, content } = requestFor(endpoint, projectRef);
  const answer = await send(`${server.url}${path}`, {
    method: endpoint.method,
    headers: {
      ...headers,
      ...(content === undefined
        ? {}
        : { "content-type": content.contentType, "content-length": Buffer.byteLength(content.body) }),
    },
    ...(content === undefined ? {} : { body: content.body }),
  });
  const shown = answer.body
    .replaceAll(projectRef, "<project>")
    .replace(/"request_?id":"[^"]*"/gi, '"requestId":"<id>"');
  return { status: answer.status, body: shown };
}

describe("a project of somebody else", () => {
  test("answers every management address as a project that does not exist, whatever key asks", async () => {
    const missing = `prj_${"0".repeat(project.id.length - 4)}`;
    const own = endpoints.filter(
      ({ path, operation }) =>
        !PUBLIC.some((pattern) => pattern.test(path)) &&
        (path.includes("{project}") ||
          operation.parameters.some((one) => one.in === "query" && one.name === "project")),
    );
    expect(own.length).toBeGreaterThan(20);
    const wrong: string[] = [];
    for (const endpoint of own) {
      for (const [who, key] of Object.entries({ account: stranger.accountKey, project: strangersKey })) {
        const headers = { "x-api-key": key };
        const theirs = await answerOf(endpoint, project.id, headers);
        const nobodys = await answerOf(endpoint, missing, headers);
        const bySlug = await answerOf(endpoint, project.slug, headers);
        if (JSON.stringify(theirs) !== JSON.stringify(nobodys) || bySlug.status !== nobodys.status) {
          wrong.push(`${endpoint.name} (${who} key): ${JSON.stringify(theirs)} ≠ ${JSON.stringify(nobodys)}`);
        }
        // Anything else would mean that the request was turned away before its project was looked at.
        if (![404, 403].includes(theirs.status)) wrong.push(`${endpoint.name} (${who} key): ${JSON.stringify(theirs)}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test("answers every operation of the data plane as a project that does not exist", async () => {
    const missing = `prj_${"0".repeat(project.id.length - 4)}`;
    const operations = endpoints.filter(
      ({ path, operation }) => path.startsWith("/v1/") && operation.security.length > 0,
    );
    expect(operations.length).toBeGreaterThan(1);
    const wrong: string[] = [];
    for (const endpoint of operations) {
      const as = (ref: string) => answerOf(endpoint, ref, { "x-api-key": stranger.accountKey, "x-project-id": ref });
      const [theirs, nobodys] = [await as(project.id), await as(missing)];
      if (JSON.stringify(theirs) !== JSON.stringify(nobodys) || theirs.status !== 404) {
        wrong.push(`${endpoint.name}: ${JSON.stringify(theirs)} ≠ ${JSON.stringify(nobodys)}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});
