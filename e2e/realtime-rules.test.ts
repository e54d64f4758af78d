import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { createDeveloper, type Developer, type Project, RequestFailed } from "./harness/developer.ts";
import { connectRealtime, type RealtimeClient } from "./harness/realtime-client.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// Who may listen and publish where, by a project's rules.

let server: ServerProcess;
let developer: Developer;
let project: Project;
let publicKey: string;
let ada: { readonly id: string; readonly token: string };
let bob: { readonly id: string; readonly token: string };
const clients: RealtimeClient[] = [];

const RULES = [
  { pattern: "room/{id}", listen: "public", publish: "public" },
  { pattern: "room/staff", listen: "none", publish: "none" },
  { pattern: "user/{userId}/*", listen: "owner", publish: "signed-in" },
  { pattern: "table/prices", listen: "public" },
];

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  developer = await createDeveloper(server);
  project = await developer.createProject("ruled");
  publicKey = (await developer.createKey(project, "public")).secret;
  [ada, bob] = [await signUp("ada@example.com"), await signUp("bob@example.com")];
  await developer.call("PUT", `/api/v1/projects/${project.id}/realtime/rules`, { rules: RULES });
});
afterEach(() => {
  for (const { socket } of clients.splice(0)) socket.terminate();
});
afterAll(async () => {
  await server?.dispose();
});

async function signUp(email: string): Promise<{ id: string; token: string }> {
  const answer = await fetch(`${server.url}/api/v1/public/projects/${project.slug}/auth/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email, password: "Correct-Horse-7" }),
  });
  const { user, token } = (await answer.json()) as { user: { id: string }; token: string };
  return { id: user.id, token };
}

let visitors = 0;
async function connect(token?: string): Promise<RealtimeClient> {
  const tokens = token === undefined ? [] : [`aerostack-token.${token}`];
  const client = await connectRealtime(server, {
    protocols: [`aerostack-key.${publicKey}`, ...tokens, "aerostack-v1"],
    query: `projectId=${project.id}&userId=visitor-${++visitors}`,
  });
  clients.push(client);
  return client;
}

async function publish(client: RealtimeClient, topic: string): Promise<unknown> {
  client.say({ type: "publish", topic, event: "e", data: 1, id: "m" });
  const { type, code } = await client.next((frame) => frame.id === "m");
  return type === "ack" ? "ack" : code;
}

it("a public key publishes where a rule lets it, and nowhere else", async () => {
  const nobody = await connect();
  expect(await publish(nobody, "room/1")).toBe("ack");
  expect(await publish(nobody, "room/1/2")).toBe("FORBIDDEN");
  expect(await publish(nobody, "room/staff")).toBe("FORBIDDEN");
  expect(await publish(nobody, `user/${ada.id}/inbox`)).toBe("FORBIDDEN");
});

it("a user's own topics are the user's alone to listen to, and every user's to publish to", async () => {
  const [adas, bobs, nobody] = [await connect(ada.token), await connect(bob.token), await connect()];
  const topic = `user/${ada.id}/inbox`;
  await adas.subscribe(topic);
  await expect(bobs.subscribe(topic)).rejects.toThrow("not open");
  await expect(nobody.subscribe(topic)).rejects.toThrow("not open");
  expect(await publish(bobs, topic)).toBe("ack");
  expect((await adas.next((frame) => frame.type === "event")).userId).toBe(bob.id);
});

it("a table that a rule opens tells everybody all of its rows", async () => {
  const sql = (text: string) => developer.call("POST", `/api/v1/projects/${project.id}/db/query`, { sql: text });
  await sql("CREATE TABLE prices (id INTEGER PRIMARY KEY, cents INT)");
  const nobody = await connect();
  await nobody.subscribe("table/prices");
  await sql("INSERT INTO prices VALUES (1, 100)");
  expect((await nobody.next((frame) => frame.type === "db_change")).data).toEqual({ id: 1, cents: 100 });
});

it("a rule that is changed counts for subscriptions that are open", async () => {
  const nobody = await connect();
  await nobody.subscribe("room/open");
  const closed = [{ pattern: "room/{id}", listen: "signed-in", publish: "none" }, ...RULES.slice(1)];
  await developer.call("PUT", `/api/v1/projects/${project.id}/realtime/rules`, { rules: closed });
  expect(await nobody.next((frame) => frame.type === "error")).toMatchObject({
    code: "FORBIDDEN",
    topic: `room/open/${project.id}`,
  });
  await expect(nobody.subscribe("room/open")).rejects.toThrow("not open");
});

it("rules are the owner's to read and write, and refused where they make no sense", async () => {
  const path = `/api/v1/projects/${project.id}/realtime/rules`;
  const { rules } = await developer.call<{ rules: unknown[] }>("GET", path);
  expect(rules).toHaveLength(4);
  const stranger = await createDeveloper(server);
  for (const ref of [project.id, "prj_absent"]) {
    await expect(stranger.call("GET", `/api/v1/projects/${ref}/realtime/rules`)).rejects.toMatchObject({ status: 404 });
  }
  for (const rule of [
    { pattern: "room/*/x" },
    { pattern: "/room" },
    { pattern: "room/{id}", listen: "owner" },
    { pattern: "table/t", publish: "public" },
    { pattern: "room", listen: "everybody" },
  ]) {
    await expect(developer.call("PUT", path, { rules: [rule] })).rejects.toThrow(RequestFailed);
  }
});
