import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { expectWithin } from "./harness/expect-within.ts";
import { pollUntil } from "./harness/poll-until.ts";
import { descendantsOf } from "./harness/process-tree.ts";
import { connectRealtime, type Frame, type RealtimeClient } from "./harness/realtime-client.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// Changes of rows, as subscribers of a table's topic hear of them.

const TOLD_WITHIN_MS = 250;
const WORKER = `export default { async fetch(request, env) {
  const { pathname } = new URL(request.url);
  if (pathname === "/batch") {
    await env.DB.batch([
      env.DB.prepare("INSERT INTO notes (text) VALUES ('batch 1')"),
      env.DB.prepare("INSERT INTO notes (text) VALUES ('batch 2')"),
    ]);
  } else await env.DB.prepare("INSERT INTO notes (text) VALUES (?)").bind("from a function").run();
  return Response.json({ ok: true });
} };`;

let server: ServerProcess;
let developer: Developer;
let project: Project;
let secret: string;
let publicKey: string;
const clients: RealtimeClient[] = [];

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  developer = await createDeveloper(server);
  project = await developer.createProject("rows");
  secret = (await developer.createKey(project, "secret")).secret;
  publicKey = (await developer.createKey(project, "public")).secret;
  await sql("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT, done INT)");
});
afterEach(() => {
  for (const { socket } of clients.splice(0)) socket.terminate();
});
afterAll(async () => {
  await server?.dispose();
});

/** As the SQL console does. */
const sql = (text: string, params: unknown[] = []) =>
  developer.call("POST", `/api/v1/projects/${project.id}/db/query`, { sql: text, params });

async function query(text: string, params: unknown[] = []): Promise<void> {
  const answer = await fetch(`${server.url}/v1/db/query`, {
    method: "POST",
    headers: { "x-aerostack-key": secret, "content-type": "application/json" },
    body: JSON.stringify({ sql: text, params }),
  });
  if (!answer.ok) throw new Error(await answer.text());
}

async function connect(key: string, token?: string): Promise<RealtimeClient> {
  const protocols = [
    `aerostack-key.${key}`,
    ...(token === undefined ? [] : [`aerostack-token.${token}`]),
    "aerostack-v1",
  ];
  const client = await connectRealtime(server, {
    protocols,
    query: `projectId=${project.id}&userId=client-${clients.length}-${Date.now()}`,
  });
  clients.push(client);
  return client;
}

const isChange = (frame: Frame): boolean => frame.type === "db_change";

it("W2.5-db-change tells subscribers of a table what was inserted, changed and deleted, after the commit and within 250 ms", async () => {
  const client = await connect(secret);
  const topic = await client.subscribe(`table/notes/${project.id}`);
  expect(topic).toBe(`table/notes/${project.id}`);
  for (const [text, operation, data, old] of [
    ["INSERT INTO notes (text) VALUES ('a')", "INSERT", { id: 1, text: "a", done: null }, undefined],
    [
      "UPDATE notes SET done = 1 WHERE id = 1",
      "UPDATE",
      { id: 1, text: "a", done: 1 },
      { id: 1, text: "a", done: null },
    ],
    ["DELETE FROM notes", "DELETE", { id: 1, text: "a", done: 1 }, { id: 1, text: "a", done: 1 }],
  ] as const) {
    await query(text);
    const committedAt = performance.now();
    const { timestamp, seq, ...frame } = await client.next(isChange);
    expectWithin(performance.now() - committedAt, TOLD_WITHIN_MS);
    expect(frame).toEqual({ type: "db_change", topic, operation, data, ...(old === undefined ? {} : { old }) });
    expect([typeof timestamp, typeof seq]).toEqual(["number", "number"]);
  }
});

it("W2.5-db-change tells of every way to write: functions, batches, transactions, the SQL console, and not of what failed", async () => {
  await developer.deploy(project, { name: "writer", worker: WORKER, isPublic: true });
  const client = await connect(secret);
  await client.subscribe("table/notes");
  await fetch(developer.functionUrl(project, "writer"));
  await fetch(developer.functionUrl(project, "writer", "/batch"));
  await sql("INSERT INTO notes (text) VALUES ('console')");
  await expect(query("INSERT INTO notes (id, text) VALUES (100, 'x'), (100, 'y')")).rejects.toThrow("UNIQUE");
  await query("INSERT INTO notes (text) VALUES ('last')");
  const texts: unknown[] = [];
  while (texts.at(-1) !== "last") texts.push(((await client.next(isChange)).data as { text: string }).text);
  expect(texts).toEqual(["from a function", "batch 1", "batch 2", "console", "last"]);
});

it("W2.5-db-change of a row that is too large to be told names what was left out, and the listener stays", async () => {
  await sql("CREATE TABLE files (id INTEGER PRIMARY KEY, owner TEXT, content TEXT)");
  const client = await connect(secret);
  await client.subscribe("table/files");
  for (const n of [1, 2, 3]) {
    await query("INSERT INTO files VALUES (?, 'ada', printf('%.*c', 1900000, 'x'))", [n]);
    await query("UPDATE files SET content = content || 'y' WHERE id = ?", [n]);
  }
  await query("DELETE FROM files WHERE id = 3");
  const told: unknown[] = [];
  while (told.length < 7) {
    const { operation, data, truncated } = await client.next(isChange);
    told.push([operation, data, truncated]);
  }
  const row = (id: number) => ({ id, owner: "ada" });
  expect(told).toEqual([
    ...[1, 2, 3].flatMap((id) => [
      ["INSERT", row(id), ["content"]],
      ["UPDATE", row(id), ["content"]],
    ]),
    ["DELETE", row(3), ["content"]],
  ]);
  expect(client.socket.readyState).toBe(client.socket.OPEN);
});

it("W2.5-db-change is for whom the rules let list: a public key hears nothing of a plain table", async () => {
  const client = await connect(publicKey);
  await expect(client.subscribe("table/notes")).rejects.toThrow("not open");
  await expect(client.subscribe("table/absent")).rejects.toThrow("not open");
});

it("tells users of a collection those rows that they may list, and of rows that come into their sight or leave it", async () => {
  await developer.call("PUT", `/api/v1/projects/${project.id}/collections/todos`, {
    schema: { type: "object", properties: { title: { type: "string" }, shared: { type: "boolean" } } },
    rules: { list: "row.shared == true || row.owner_id == user.id", get: "public", create: "signed-in" },
  });
  const path = `/api/v1/public/projects/${project.slug}/auth/register`;
  const signUp = async (email: string): Promise<string> => {
    const answer = await fetch(`${server.url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ email, password: "Correct-Horse-7" }),
    });
    return ((await answer.json()) as { token: string }).token;
  };
  const [ada, bob] = [await signUp("ada@example.com"), await signUp("bob@example.com")];
  const [adas, bobs, nobodys] = [
    await connect(publicKey, ada),
    await connect(publicKey, bob),
    await connect(publicKey),
  ];
  for (const client of [adas, bobs, nobodys]) await client.subscribe("table/todos");
  const created = await fetch(`${server.url}/v1/collections/todos/items`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-project-id": project.id, authorization: `Bearer ${ada}` },
    body: JSON.stringify({ title: "mine", shared: false }),
  });
  const { id } = (await created.json()) as { id: string };
  await query("UPDATE todos SET shared = 1 WHERE id = ?", [id]);
  await query("UPDATE todos SET shared = 0 WHERE id = ?", [id]);
  const told = async (client: RealtimeClient, count: number) => {
    const frames: unknown[] = [];
    for (let n = 0; n < count; n++) {
      const { operation, old } = await client.next(isChange);
      frames.push([operation, old !== undefined]);
    }
    return frames;
  };
  expect(await told(adas, 3)).toEqual([
    ["INSERT", false],
    ["UPDATE", true],
    ["UPDATE", true],
  ]);
  for (const client of [bobs, nobodys]) {
    expect(await told(client, 2)).toEqual([
      ["INSERT", false],
      ["DELETE", true],
    ]);
  }
});

it("sends a subscriber with a filter only what fits it", async () => {
  const client = await connect(secret);
  await client.subscribe("table/notes", { filter: { text: "wanted" } });
  await query("INSERT INTO notes (text) VALUES ('unwanted'), ('wanted'), ('other')");
  expect((await client.next(isChange)).data).toMatchObject({ text: "wanted" });
  client.say({ type: "ping" });
  await client.next((frame) => frame.type === "pong");
  expect(client.frames).toEqual([]);
});

it("tells nobody of another project's rows", async () => {
  const stranger = await createDeveloper(server);
  const other = await stranger.createProject("other rows");
  const key = (await stranger.createKey(other, "secret")).secret;
  await stranger.call("POST", `/api/v1/projects/${other.id}/db/query`, {
    sql: "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)",
  });
  const theirs = await connectRealtime(server, { protocols: [`aerostack-key.${key}`, "aerostack-v1"] });
  clients.push(theirs);
  for (const topic of ["table/notes", `table/notes/${project.id}`]) await theirs.subscribe(topic);
  await query("INSERT INTO notes (text) VALUES ('ours')");
  await stranger.call("POST", `/api/v1/projects/${other.id}/db/query`, {
    sql: "INSERT INTO notes (text) VALUES ('theirs')",
  });
  expect((await theirs.next(isChange)).data).toMatchObject({ text: "theirs" });
  expect(theirs.frames.filter(isChange)).toEqual([]);
});

it("loses no change for a client that stays connected while the data host is killed", async () => {
  const client = await connect(secret);
  await client.subscribe("table/notes");
  const dataHost = async () => {
    const all = await descendantsOf(server.pid);
    return all.find(({ command }) => /datahost\.main\.mjs$/.test(command.at(-1) ?? ""))?.pid;
  };
  const written: string[] = [];
  for (let round = 0; round < 3; round++) {
    const texts = Array.from({ length: 40 }, (_, n) => `round ${round} row ${n}`);
    const writing = texts.map((text) =>
      query("INSERT INTO notes (text) VALUES (?)", [text]).then(
        () => void written.push(text),
        () => {},
      ),
    );
    process.kill(await pollUntil("there is a data host", dataHost), "SIGKILL");
    await Promise.all(writing);
  }
  expect(written.length).toBeGreaterThan(60);
  const heard = () => client.frames.filter(isChange).map(({ data }) => (data as { text: string }).text);
  await pollUntil("all are told", async () => written.every((text) => heard().includes(text)));
  expect(new Set(heard()).size).toBe(heard().length);
});
