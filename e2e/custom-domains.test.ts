import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startNameServer, type TestNameServer } from "../packages/server/src/domains/dns-testing.ts";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { send } from "./harness/raw-http.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

const WORKER = (name: string) => `export default { fetch(request) {
  return Response.json({ name: ${JSON.stringify(name)}, url: request.url });
} };`;

describe("a custom domain on a running server", () => {
  let dns: TestNameServer;
  let server: ServerProcess;
  let owner: Developer;
  let project: Project;
  beforeAll(async () => {
    dns = await startNameServer();
    server = await startServer({ env: { ...UNLIMITED, AEROSTACK_DNS_SERVERS: dns.address } });
    owner = await createDeveloper(server);
    project = await owner.createProject("shop");
    for (const name of ["web", "api"]) await owner.deploy(project, { name, worker: WORKER(name), isPublic: true });
    const path = `/api/v1/projects/${project.id}/domains`;
    const { domain } = await owner.call<{ domain: { proof: { name: string; value: string } } }>("POST", path, {
      hostname: "shop.example",
      routes: [
        { path: "/", function: "web" },
        { path: "/api", function: "api" },
      ],
      servesApi: true,
    });
    dns.records.set(domain.proof.name, [domain.proof.value]);
    await owner.call("POST", `${path}/shop.example/verify`);
  });
  afterAll(async () => {
    await server?.dispose();
    await dns?.close();
  });
  const ask = (host: string, path: string, headers: Record<string, string> = {}) =>
    send(`${server.url}${path}`, { headers: { host, ...headers } });

  test("leads to its functions, which see the whole path and the domain", async () => {
    const web = JSON.parse((await ask("shop.example", "/a?b=1")).body);
    expect(web).toMatchObject({ name: "web", url: expect.stringMatching(/^http:\/\/shop\.example\/a\?b=1$/) });
    expect(JSON.parse((await ask("SHOP.example.:8080", "/api/items")).body)).toMatchObject({ name: "api" });
  });

  test("is no door to the platform: set-up, management and other projects' functions do not answer there", async () => {
    for (const path of ["/setup", "/healthz", "/api/docs", "/f/other/secret", "/device"]) {
      const answer = await ask("shop.example", path);
      expect(JSON.parse(answer.body), path).toHaveProperty("name");
    }
  });

  test("opens its project's API to the project's keys, and to no others", async () => {
    const own = (await owner.createKey(project)).secret;
    const other = (await owner.createKey(await owner.createProject("other"))).secret;
    const list = (key: string) =>
      send(`${server.url}/v1/queue/jobs`, {
        method: "POST",
        headers: {
          host: "shop.example",
          "x-aerostack-key": key,
          "content-type": "application/json",
          "content-length": 2,
        },
        body: "{}",
      });
    expect((await list(own)).status).toBe(200);
    expect((await list(other)).status).toBe(401);
  });

  test("is not reached by a host that only looks like it", async () => {
    for (const host of ["evil.example", "shop.example.evil.example", "xshop.example", "shop.example@evil.example"]) {
      const answer = await ask(host, "/a");
      expect(answer.body, host).not.toContain('"name":"web"');
    }
  });

  test("is not claimed by a forwarded host of somebody who is no trusted proxy", async () => {
    const answer = await send(`${server.url}/a`, { headers: { "x-forwarded-host": "shop.example" } });
    expect(answer.status).toBe(404);
  });
});
