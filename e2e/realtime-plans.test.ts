import { once } from "node:events";
import { PLANS } from "@aerostack/contracts";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { pollUntil } from "./harness/poll-until.ts";
import { connectRealtime, type RealtimeClient } from "./harness/realtime-client.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// What a plan allows in realtime, as clients meet it.

const FREE = PLANS.free.realtime;

let server: ServerProcess;
let developer: Developer;
let project: Project;
let secret: string;
let adminToken: string;
const clients: RealtimeClient[] = [];

beforeAll(async () => {
  server = await startServer({ env: { ...UNLIMITED, AEROSTACK_DEFAULT_PLAN: "free" } });
  const admin = { email: "admin@example.com", password: "Correct-Horse-7", name: "Admin", ageConfirmed: true };
  adminToken = (await post("/api/auth/setup", { ...admin, token: server.setupToken() })).body.token ?? "";
  developer = await createDeveloper(server);
  project = await developer.createProject("small");
  secret = (await developer.createKey(project)).secret;
});
afterEach(() => {
  for (const { socket } of clients.splice(0)) socket.terminate();
});
afterAll(async () => {
  await server?.dispose();
});

async function request(method: string, path: string, body: unknown, headers: Record<string, string> = {}) {
  const answer = await fetch(`${server.url}${path}`, {
    method,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, string> };
}
const post = (path: string, body: unknown, headers = {}) => request("POST", path, body, headers);

async function connect(): Promise<RealtimeClient> {
  const client = await connectRealtime(server, { protocols: [`aerostack-key.${secret}`, "aerostack-v1"] });
  clients.push(client);
  return client;
}

it("lets clients go whose messages are too large or too many, and refuses the same over HTTP", async () => {
  const large = await connect();
  large.say({ type: "publish", topic: "room/x", event: "x", data: "x".repeat(FREE.messageBytes) });
  expect((await once(large.socket, "close"))[0]).toBe(1009);
  const loud = await connect();
  for (let count = 0; count < FREE.messageBurst + 200; count++) loud.say({ type: "ping" });
  expect((await once(loud.socket, "close"))[0]).toBe(1008);
  const message = { topic: "room/x", event: "x", data: "x".repeat(FREE.messageBytes) };
  const refused = await post("/v1/realtime/publish", message, { "x-aerostack-key": secret });
  expect([refused.status, refused.body.message]).toEqual([413, expect.stringContaining(String(FREE.messageBytes))]);
});

it("counts what is published, from wherever, and gives back what was counted ahead", async () => {
  const own = await developer.createProject("metered");
  const key = (await developer.createKey(own)).secret;
  const client = await connectRealtime(server, { protocols: [`aerostack-key.${key}`, "aerostack-v1"] });
  clients.push(client);
  for (let n = 0; n < 5; n++) client.say({ type: "publish", topic: "room/x", event: "x", data: n, id: String(n) });
  await client.next((frame) => frame.type === "ack" && frame.id === "4");
  const http = await post("/v1/realtime/publish", { topic: "room/x", event: "x", data: 1 }, { "x-aerostack-key": key });
  expect(http.status).toBe(200);
  const usage = () =>
    developer.call<{ month: string; messages: number; limit: number }>(
      "GET",
      `/api/v1/projects/${own.id}/realtime/usage`,
    );
  const month = new Date().toISOString().slice(0, 7);
  // Counted ahead until the server has taken back what it does not use.
  await pollUntil("what was counted ahead is back", async () => (await usage()).messages === 6, 30_000);
  expect(await usage()).toEqual({ month, messages: 6, limit: 50_000, rooms: 0, roomLimit: 5 });
  const stranger = await createDeveloper(server);
  await expect(stranger.call("GET", `/api/v1/projects/${own.id}/realtime/usage`)).rejects.toThrow("404");
});

it("gives open connections the limits of a plan that is chosen meanwhile", async () => {
  const own = await developer.createProject("growing");
  const key = (await developer.createKey(own)).secret;
  const client = await connectRealtime(server, { protocols: [`aerostack-key.${key}`, "aerostack-v1"] });
  clients.push(client);
  const choose = (plan: string | null) =>
    request("PUT", `/api/v1/admin/projects/${own.id}/plan`, { plan }, { authorization: `Bearer ${adminToken}` });
  expect((await choose("pro")).status).toBe(200);
  client.say({ type: "ping" });
  await client.next((frame) => frame.type === "pong");
  const large = "x".repeat(FREE.messageBytes + 1_000);
  client.say({ type: "publish", topic: "room/x", event: "x", data: large, id: "large" });
  await client.next((frame) => frame.type === "ack" && frame.id === "large");
  expect((await choose(null)).status).toBe(200);
  client.say({ type: "ping" });
  await client.next((frame) => frame.type === "pong");
  client.say({ type: "publish", topic: "room/x", event: "x", data: large });
  expect((await once(client.socket, "close"))[0]).toBe(1009);
});

it("opens as many connections as the plan says, streams included, and more once an admin chooses a larger one", async () => {
  const all = await Promise.all(Array.from({ length: FREE.connections - 1 }, connect));
  const abort = new AbortController();
  const stream = () =>
    fetch(`${server.url}/api/v1/public/realtime/stream?topic=room/a`, {
      headers: { "x-aerostack-key": secret },
      signal: abort.signal,
    });
  expect((await stream()).status).toBe(200);
  await expect(connect()).rejects.toThrow("429");
  expect((await stream()).status).toBe(429);
  // Nobody else's project is held back by it.
  const other = await developer.createProject("other");
  const otherKey = (await developer.createKey(other)).secret;
  clients.push(await connectRealtime(server, { protocols: [`aerostack-key.${otherKey}`, "aerostack-v1"] }));

  const path = `/api/v1/admin/projects/${project.id}/plan`;
  expect((await request("PUT", path, { plan: "starter" }, { "x-api-key": developer.accountKey })).status).toBe(403);
  const chosen = await request("PUT", path, { plan: "starter" }, { authorization: `Bearer ${adminToken}` });
  expect(chosen).toMatchObject({ status: 200, body: { plan: "starter", isDefault: false } });
  const newest = await connect();
  expect(all.every(({ socket }) => socket.readyState === socket.OPEN)).toBe(true);
  // One more than the smaller plan allows.
  expect((await request("PUT", path, { plan: "free" }, { authorization: `Bearer ${adminToken}` })).status).toBe(200);
  expect((await once(newest.socket, "close"))[0]).toBe(1008);
  expect(all.every(({ socket }) => socket.readyState === socket.OPEN)).toBe(true);
  abort.abort();
});

it("keeps messages in as many rooms as the plan says, whoever publishes, and takes what is not to be kept anywhere", async () => {
  const own = await developer.createProject("rooms");
  const key = (await developer.createKey(own)).secret;
  const publish = (room: number, persist: boolean) =>
    post("/v1/realtime/publish", { topic: `room/${room}`, event: "x", data: 1, persist }, { "x-aerostack-key": key });
  const limit = FREE.rooms ?? 0;
  for (let room = 0; room < limit; room++) expect((await publish(room, true)).status).toBe(200);
  expect(await publish(limit, true)).toMatchObject({ status: 429, body: { code: "RATE_LIMIT_EXCEEDED" } });
  expect((await publish(limit, false)).status).toBe(200);
  expect((await publish(0, true)).status).toBe(200);
  const client = await connectRealtime(server, { protocols: [`aerostack-key.${key}`, "aerostack-v1"] });
  clients.push(client);
  client.say({ type: "chat", roomId: "new", text: "hello" });
  expect(await client.next((frame) => frame.type === "error")).toMatchObject({ code: "RATE_LIMIT_EXCEEDED" });
  const usage = await developer.call("GET", `/api/v1/projects/${own.id}/realtime/usage`);
  expect(usage).toMatchObject({ rooms: limit, roomLimit: limit });
  const history = await fetch(`${server.url}/api/v1/public/realtime/history?room=room/${limit}`, {
    headers: { "x-aerostack-key": key },
  });
  expect(await history.json()).toMatchObject({ messages: [] });
});
