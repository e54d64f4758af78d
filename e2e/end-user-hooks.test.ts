import { afterAll, beforeAll, expect, it } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// A project's own deployed function decides who signs up and what tokens say.

const GUARD = `
export default {
  async fetch(request) {
    const { event, data } = await request.json();
    if (event === "auth.token.before") return Response.json({ claims: { plan: data.user.customFields.plan } });
    if (data.email?.endsWith("@evil.example")) return Response.json({ message: "Not from there." }, { status: 403 });
    if (data.name === "Slow") await new Promise(() => setInterval(() => {}, 1000));
    return Response.json({ proceed: true });
  },
};`;

let server: ServerProcess;
let developer: Developer;
let project: Project;

beforeAll(async () => {
  server = await startServer({ env: { ...UNLIMITED, AEROSTACK_TRUST_PROXY: "127.0.0.1" } });
  developer = await createDeveloper(server);
  project = await developer.createProject("Hooked");
  await developer.deploy(project, { name: "guard", worker: GUARD, isPublic: false });
  await developer.call("PATCH", `/api/v1/projects/${project.id}/auth/settings`, {
    hooks: { beforeRegister: { function: "guard" }, beforeToken: { function: "guard" }, timeoutMs: 1_000 },
  });
});
afterAll(async () => {
  await server?.dispose();
});

async function register(body: Record<string, unknown>) {
  const answer = await fetch(`${server.url}/api/v1/public/projects/${project.slug}/auth/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ password: "Correct-Horse-7", ...body }),
  });
  return { status: answer.status, body: (await answer.json()) as { token: string; message: string; code: string } };
}

it("asks the project's private function, which adds claims and refuses", async () => {
  const { status, body } = await register({ email: "ada@example.com", customFields: { plan: "pro" } });
  expect(status).toBe(201);
  const claims: unknown = JSON.parse(Buffer.from(body.token.split(".")[1] ?? "", "base64url").toString());
  expect(claims).toMatchObject({ plan: "pro", email: "ada@example.com" });
  const refused = await register({ email: "eve@evil.example" });
  expect(refused).toMatchObject({ status: 403, body: { code: "AUTH_REFUSED", message: "Not from there." } });
});

it("does not wait for a function longer than the project says, and lets nobody in meanwhile", async () => {
  const startedAt = performance.now();
  const refused = await register({ email: "slow@example.com", name: "Slow" });
  expect(refused).toMatchObject({ status: 403, body: { code: "AUTH_REFUSED" } });
  expect(performance.now() - startedAt).toBeLessThan(8_000);
});
