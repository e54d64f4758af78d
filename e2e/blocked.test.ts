import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { createOperator, type Operator } from "./harness/operator.ts";
import { pollUntil } from "./harness/poll-until.ts";
import { send } from "./harness/raw-http.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// Whom the operators keep out, at the front door of a real server behind a proxy: every way in is shut within seconds, what
// was open ends, and afterwards everything works as before.

const WITHIN_MS = 6_000;
const WORKER = `
export default {
  async fetch(request) {
    if (request.headers.get("upgrade") === "websocket") {
      const [client, server] = Object.values(new WebSocketPair());
      server.accept();
      server.addEventListener("message", ({ data }) => server.send("you said " + data));
      return new Response(null, { status: 101, webSocket: client });
    }
    if (new URL(request.url).pathname.endsWith("/stream")) {
      const { readable, writable } = new TransformStream();
      writable.getWriter().write(new TextEncoder().encode("begun"));
      return new Response(readable);
    }
    return new Response("hello");
  },
};`;

let server: ServerProcess;
let developer: Developer;
let project: Project;
let secret: string;
let operator: Operator;

beforeAll(async () => {
  server = await startServer({ env: { ...UNLIMITED, AEROSTACK_TRUST_PROXY: "127.0.0.1" } });
  operator = await createOperator(server);
  developer = await createDeveloper(server);
  project = await developer.createProject("door");
  secret = (await developer.createKey(project)).secret;
  await developer.deploy(project, { name: "shop", worker: WORKER, isPublic: true });
});
afterAll(async () => {
  await server?.dispose();
});

async function block(kind: string, subject: string, extra: Record<string, unknown> = {}): Promise<string> {
  const made = await operator.call<{ block: { id: string } }>("POST", "/api/v1/admin/blocks", {
    kind,
    subject,
    reason: "Nobody is to read this.",
    ...extra,
  });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  return made.body.block.id;
}
async function lift(id: string): Promise<void> {
  const lifted = await operator.call("POST", `/api/v1/admin/blocks/${id}/lift`, { reason: "Enough." });
  expect(lifted.status).toBe(200);
}

const from = (ip: string, path = "/", headers: Record<string, string> = {}) =>
  send(developer.functionUrl(project, "shop", path), { headers: { "x-forwarded-for": ip, ...headers } });
const soon = (what: string, look: () => Promise<boolean>) => pollUntil(what, look, WITHIN_MS);

/** A WebSocket of a function, open, and whether it has ended. */
async function openSocket(ip: string) {
  const url = developer.functionUrl(project, "shop").replace("http", "ws");
  const socket = new WebSocket(url, { headers: { "x-forwarded-for": ip } });
  let isOver = false;
  socket.on("close", () => {
    isOver = true;
  });
  socket.on("error", () => undefined);
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  return { isOver: () => isOver, close: () => socket.close() };
}

/** A long answer of a function, begun, and whether it has ended. */
async function openStream(ip: string) {
  let isOver = false;
  const req = request(developer.functionUrl(project, "shop", "/stream"), {
    headers: { "x-forwarded-for": ip },
    agent: false,
  });
  await new Promise<void>((resolve, reject) => {
    req.on("error", (error) => (isOver ? undefined : reject(error)));
    req.on("response", (res) => {
      res.on("data", () => resolve());
      for (const end of ["close", "error"] as const) {
        res.on(end, () => {
          isOver = true;
        });
      }
    });
    req.end();
  });
  return { isOver: () => isOver, close: () => req.destroy() };
}

describe("P12 who is blocked", () => {
  test("by network finds every door shut and what was open ended, and others do not notice", async () => {
    const [socket, stream, others] = await Promise.all([
      openSocket("203.0.113.7"),
      openStream("203.0.113.7"),
      openSocket("198.51.100.9"),
    ]);
    const id = await block("network", "203.0.113.0/24");
    for (const path of ["/healthz", "/contact", "/api/auth/config", `/f/${project.slug}/shop/`, "/v1/cache/get"]) {
      const ask = () =>
        send(`${server.url}${path}`, { headers: { "x-forwarded-for": "203.0.113.200", "x-api-key": secret } });
      await soon(`${path} to be shut`, async () => (await ask()).status === 403);
      const { body } = await ask();
      expect(body, path).toContain("BLOCKED");
      expect(body, path).not.toContain("Nobody is to read this");
      expect(body, path).toContain(id);
    }
    await soon("the WebSocket to end", async () => socket.isOver());
    await soon("the long answer to end", async () => stream.isOver());
    expect(others.isOver()).toBe(false);
    expect((await from("203.0.114.1")).status).toBe(200);
    expect((await from("127.0.0.1")).status).toBe(200);
    others.close();
    await lift(id);
    await soon("it to be let in", async () => (await from("203.0.113.7")).status === 200);
  });

  test("as a project is answered BLOCKED everywhere, and can be looked at by its people", async () => {
    const socket = await openSocket("198.51.100.9");
    const id = await block("project", project.slug, { isReasonPublic: true, reason: "It sends spam." });
    const doors: [string, Record<string, string>][] = [
      [`/f/${project.slug}/shop/`, {}],
      ["/v1/cache/get", { "x-aerostack-key": secret }],
      [`/api/v1/public/projects/${project.slug}/auth/config`, {}],
      [`/api/v1/projects/${project.id}/keys`, { "x-api-key": secret }],
    ];
    for (const [path, headers] of doors) {
      await soon(`${path} to be shut`, async () => (await send(`${server.url}${path}`, { headers })).status === 403);
      expect((await send(`${server.url}${path}`, { headers })).body, path).toContain("It sends spam.");
    }
    await soon("the WebSocket to end", async () => socket.isOver());
    expect(await developer.call("GET", `/api/v1/projects/${project.id}`)).toMatchObject({
      project: { id: project.id },
    });
    await expect(developer.call("PATCH", `/api/v1/projects/${project.id}`, { name: "Changed" })).rejects.toMatchObject({
      status: 403,
      body: { error: { code: "BLOCKED" } },
    });
    expect((await operator.call("GET", "/api/v1/admin/blocks")).status).toBe(200);
    await lift(id);
    await soon("it to answer", async () => (await from("198.51.100.9")).status === 200);
  });

  test("as an account or by its key loses the log that it follows", async () => {
    const other = await createDeveloper(server);
    const { user } = await other.call<{ user: { id: string } }>("GET", "/api/v1/account");
    const owned = await other.createProject("followed");
    const answer = await fetch(`${server.url}/api/v1/projects/${owned.id}/logs/tail`, {
      headers: { "x-api-key": other.accountKey },
    });
    let isOver = false;
    void (async () => {
      for await (const _chunk of answer.body ?? []);
      isOver = true;
    })();
    const id = await block("account", user.id);
    await soon("the log to end", async () => isOver);
    await expect(other.call("GET", "/api/v1/projects")).rejects.toMatchObject({ body: { error: { code: "BLOCKED" } } });
    await lift(id);
    await soon("the key to work", async () =>
      other.call("GET", "/api/v1/projects").then(
        () => true,
        () => false,
      ),
    );
  });
});
