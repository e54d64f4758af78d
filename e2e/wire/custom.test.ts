import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Developer, Project } from "../harness/developer.ts";
import { startProjectServer } from "../harness/project-server.ts";
import { send } from "../harness/raw-http.ts";
import type { ServerProcess } from "../harness/server-process.ts";

const WORKER = `export default {
  async fetch(request, env) {
    const { pathname, search } = new URL(request.url);
    const body = request.body === null ? null : await request.text();
    return Response.json({ method: request.method, pathname, search, body, project: request.headers.get("x-as-project-id") });
  },
};`;

let server: ServerProcess;
let developer: Developer;
let project: Project;
let secret: string;
let publicKey: string;

beforeAll(async () => {
  ({ server, developer, project, secret, publicKey } = await startProjectServer("custom"));
  await developer.deploy(project, { name: "hello", worker: WORKER, isPublic: false });
  await developer.deploy(project, { name: "open", worker: WORKER, isPublic: true });
});
afterAll(async () => {
  await server?.dispose();
});

describe("a function called by its name", () => {
  test.each(["GET", "POST", "PUT", "DELETE", "PATCH"])(
    "W2.2-custom %s reaches it with body, path and query",
    async (method) => {
      const body = method === "GET" ? undefined : '{"a":1}';
      for (const prefix of ["/v1/custom", "/api/v1/custom"]) {
        const answer = await send(`${server.url}${prefix}/hello/deep/path?b=2`, {
          method,
          headers: {
            "x-aerostack-key": secret,
            "content-type": "application/json",
            "x-request-id": crypto.randomUUID(),
            ...(body === undefined ? {} : { "content-length": body.length }),
          },
          ...(body === undefined ? {} : { body }),
        });
        expect([answer.status, JSON.parse(answer.body)]).toEqual([
          200,
          { method, pathname: "/deep/path", search: "?b=2", body: body ?? null, project: project.id },
        ]);
      }
    },
  );

  test("W2.2-custom without a key reaches a public function of the project that the header names, by id or slug", async () => {
    for (const ref of [project.id, project.slug]) {
      const answer = await send(`${server.url}/v1/custom/open`, { headers: { "x-project-id": ref } });
      expect([answer.status, JSON.parse(answer.body).pathname]).toEqual([200, "/"]);
    }
    const refused = await send(`${server.url}/v1/custom/hello`, { headers: { "x-project-id": project.id } });
    expect([refused.status, Object.keys(JSON.parse(refused.body)).sort()]).toEqual([
      401,
      ["code", "details", "message"],
    ]);
  });

  test("W2.2-custom with a public key opens private functions too, and one that is not there is 404 in the flat form", async () => {
    const opened = await send(`${server.url}/v1/custom/hello`, { headers: { "x-aerostack-key": publicKey } });
    expect(opened.status).toBe(200);
    const missing = await send(`${server.url}/v1/custom/nope`, { headers: { "x-aerostack-key": secret } });
    expect(missing.status).toBe(404);
    const { code, message, ...rest } = JSON.parse(missing.body);
    expect([typeof code, typeof message]).toEqual(["string", "string"]);
    expect(Object.keys(rest).filter((name) => name !== "details")).toEqual([]);
    expect(missing.headers).toMatchObject({ "x-request-id": expect.any(String) });
  });
});
