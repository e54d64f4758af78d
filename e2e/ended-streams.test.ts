import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

/** Streams end "within a second or two": a check each second, and the time of a slow machine. */
const PROMISED_MS = 5_000;

let server: ServerProcess;
let owner: Developer;
let project: Project;
let organisation: string;

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  owner = await createDeveloper(server);
  project = await owner.createProject("streams");
  const shown = await owner.call<{ project: { organisationId: string } }>("GET", `/api/v1/projects/${project.id}`);
  organisation = shown.project.organisationId;
});
afterAll(async () => {
  await server?.dispose();
});

/** A developer who is a member of the project's organisation. */
async function member(): Promise<Developer & { id: string }> {
  const developer = await createDeveloper(server);
  const { link } = await owner.call<{ link: string }>("POST", `/api/v1/organisations/${organisation}/invitations`, {
    email: developer.email,
    role: "developer",
  });
  await developer.call("POST", "/api/v1/invitations/accept", { token: link.split("token=")[1] });
  const { user } = await developer.call<{ user: { id: string } }>("GET", "/api/v1/account");
  return Object.assign(developer, { id: user.id });
}

/** The log's tail, open, and how long from now on it stays so. */
async function follow(key: string) {
  const answer = await fetch(`${server.url}/api/v1/projects/${project.id}/logs/tail`, {
    headers: { "x-api-key": key },
  });
  expect(answer.status).toBe(200);
  const ended = (async () => {
    for await (const _chunk of answer.body ?? []);
    return performance.now();
  })();
  return {
    async msUntilEnd(from: number): Promise<number> {
      return (await ended) - from;
    },
    isOpenAfter: (ms: number) =>
      Promise.race([ended.then(() => false), new Promise((resolve) => setTimeout(() => resolve(true), ms))]),
  };
}

describe("a log that somebody follows ends", () => {
  test("when the member is removed, and goes on for others", async () => {
    const bob = await member();
    const [his, hers] = [await follow(bob.accountKey), await follow(owner.accountKey)];
    const from = performance.now();
    await owner.call("DELETE", `/api/v1/organisations/${organisation}/members/${bob.id}`);
    expect(await his.msUntilEnd(from)).toBeLessThan(PROMISED_MS);
    expect(await hers.isOpenAfter(1_500)).toBe(true);
    const again = await fetch(`${server.url}/api/v1/projects/${project.id}/logs/tail`, {
      headers: { "x-api-key": bob.accountKey },
    });
    expect(again.status).toBe(404);
  });

  test("when the member's role does not read logs any more", async () => {
    const bob = await member();
    const roles = await owner.call<{ role: { id: string } }>("POST", `/api/v1/organisations/${organisation}/roles`, {
      name: "No logs",
      permissions: ["organisation.read", "project.read"],
    });
    const log = await follow(bob.accountKey);
    const from = performance.now();
    await owner.call("PATCH", `/api/v1/organisations/${organisation}/members/${bob.id}`, { role: roles.role.id });
    expect(await log.msUntilEnd(from)).toBeLessThan(PROMISED_MS);
  });

  test("when the key is revoked: an account's, and a project's", async () => {
    const bob = await member();
    const { secret, id } = await owner.createKey(project, "secret");
    const [account, projects] = [await follow(bob.accountKey), await follow(secret)];
    const { keys } = await bob.call<{ keys: { id: string }[] }>("GET", "/api/v1/account/keys");
    const from = performance.now();
    await owner.call("DELETE", `/api/v1/projects/${project.id}/keys/${id}`);
    await bob.call("DELETE", `/api/v1/account/keys/${keys[0]?.id}`);
    expect(await account.msUntilEnd(from)).toBeLessThan(PROMISED_MS);
    expect(await projects.msUntilEnd(from)).toBeLessThan(PROMISED_MS);
  });
});
