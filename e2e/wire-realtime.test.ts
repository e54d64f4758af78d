import { once } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { EXPIRED_TOKEN } from "./harness/expired-token.ts";
import { pollUntil } from "./harness/poll-until.ts";
import { send } from "./harness/raw-http.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// Realtime as existing clients speak it: handshakes, frames, topics.

const PASSWORD = "Correct-Horse-7";
type Frame = Record<string, unknown>;

let server: ServerProcess;
let developer: Developer;
let project: Project;
let secret: string;
let publicKey: string;
let strangersKey: string;
let ada: { readonly token: string; readonly id: string };
const opened: WebSocket[] = [];

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  developer = await createDeveloper(server);
  project = await developer.createProject("lively");
  secret = (await developer.createKey(project, "secret")).secret;
  publicKey = (await developer.createKey(project, "public")).secret;
  const stranger = await createDeveloper(server);
  strangersKey = (await stranger.createKey(await stranger.createProject("other"))).secret;
  ada = await signUp("ada@example.com");
});
afterEach(() => {
  for (const socket of opened.splice(0)) socket.terminate();
});
afterAll(async () => {
  await server?.dispose();
});

async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  const text = JSON.stringify(body);
  const answer = await send(`${server.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", "content-length": Buffer.byteLength(text), ...headers },
    body: text,
  });
  return { status: answer.status, body: JSON.parse(answer.body) };
}
async function signUp(email: string): Promise<{ token: string; id: string }> {
  const path = `/api/v1/public/projects/${project.slug}/auth/register`;
  const { body } = await post(path, { email, password: PASSWORD });
  return { token: body.token, id: body.user.id };
}

let strangers = 0;
/** Somebody new: what others subscribed to is not restored for them. */
const asSomebody = (): string => `projectId=${project.id}&userId=somebody-${++strangers}`;
/** A client that keeps every frame it gets. */
async function connect(protocols: readonly string[], query = asSomebody(), headers = {}) {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/api/realtime?${query}`, [...protocols], {
    headers,
  });
  opened.push(socket);
  const frames: Frame[] = [];
  socket.on("message", (data) => frames.push(JSON.parse(String(data))));
  await once(socket, "open");
  return {
    socket,
    frames,
    say: (frame: unknown) => socket.send(typeof frame === "string" ? frame : JSON.stringify(frame)),
    async next(fits: (frame: Frame) => boolean): Promise<Frame> {
      let found: Frame | undefined;
      await pollUntil("the frame comes", async () => {
        found = frames.find(fits);
        return found !== undefined;
      });
      if (found === undefined) throw new Error("no such frame");
      frames.splice(frames.indexOf(found), 1);
      return found;
    },
  };
}
type Client = Awaited<ReturnType<typeof connect>>;
const withKey = (key: string): string[] => [`aerostack-key.${key}`, "aerostack-v1"];
const ofType = (type: string) => (frame: Frame) => frame.type === type;
/** Nothing more is on its way to a client whose ping was answered. */
async function settled(client: Client): Promise<readonly Frame[]> {
  client.say({ type: "ping" });
  await client.next(ofType("pong"));
  return client.frames;
}
async function subscribed(client: Client, topic: string): Promise<unknown> {
  client.say({ type: "subscribe", topic, filter: null });
  return (await client.next(ofType("subscribed"))).topic;
}
async function refusal(protocols: readonly string[], query: string): Promise<number> {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/api/realtime?${query}`, [...protocols]);
  opened.push(socket);
  socket.on("error", () => {});
  const [, response] = await once(socket, "unexpected-response");
  return response.statusCode;
}

describe("the handshake", () => {
  it("W2.5-handshake selects aerostack-v1, or else the key's own protocol", async () => {
    expect((await connect(withKey(secret))).socket.protocol).toBe("aerostack-v1");
    expect((await connect([`aerostack-key.${secret}`])).socket.protocol).toBe(`aerostack-key.${secret}`);
    const both = [`aerostack-key.${publicKey}`, `aerostack-token.${ada.token}`, "aerostack-v1"];
    expect((await connect(both)).socket.protocol).toBe("aerostack-v1");
    expect((await connect([`aerostack-token.${ada.token}`])).socket.protocol).toBe(`aerostack-token.${ada.token}`);
  });

  it("W2.5-handshake finds project and credential wherever clients put them", async () => {
    await connect(withKey(secret), `projectId=${project.slug}`);
    // Without any query the key says whose project it is.
    await connect(withKey(secret), "");
    await connect([], `apiKey=${encodeURIComponent(secret)}`);
    await connect([`aerostack-key.${publicKey}`], `projectId=${project.id}&token=${ada.token}`);
    await connect([], `projectId=${project.id}`, { "x-aerostack-key": secret });
  });

  it("W2.5-handshake refuses without a credential, with a wrong one, and for another's project as for none", async () => {
    const named = `projectId=${project.id}`;
    expect(await refusal([], named)).toBe(401);
    expect(await refusal(withKey("sk_made_up"), named)).toBe(401);
    expect(await refusal(withKey(strangersKey), named)).toBe(401);
    expect(await refusal(withKey(strangersKey), "projectId=prj_absent")).toBe(401);
    expect(await refusal(["aerostack-token.a.b.c"], named)).toBe(401);
  });
});

describe("topics", () => {
  it("W2.5-subscribe answers with the full topic, and with what the client called it where that named the project", async () => {
    const client = await connect(withKey(secret));
    expect(await subscribed(client, "room/lobby")).toBe(`room/lobby/${project.id}`);
    expect(await subscribed(client, "posts")).toBe(`posts/${project.id}`);
    expect(await subscribed(client, `room/a/${project.id}`)).toBe(`room/a/${project.id}`);
    expect(await subscribed(client, `table/todos/${project.slug}`)).toBe(`table/todos/${project.slug}`);
    const doubled = `table/todos/${project.slug}/${project.id}`;
    expect(await subscribed(client, doubled)).toBe(doubled);
  });

  it("W2.5-publish brings events to all subscribers under the names they know, and is acknowledged", async () => {
    // Whoever holds a secret key is believed.
    const speaker = await connect(withKey(secret), `projectId=${project.id}&userId=server-1`);
    const listener = await connect(withKey(publicKey));
    const byId = await subscribed(listener, `room/talk/${project.id}`);
    const other = await connect(withKey(publicKey));
    const bySlug = await subscribed(other, `room/talk/${project.slug}`);
    speaker.say({ type: "publish", topic: "room/talk", event: "hello", data: { n: 1 }, id: "m1" });
    expect(await speaker.next(ofType("ack"))).toEqual({ type: "ack", id: "m1" });
    const event = {
      type: "event",
      event: "hello",
      data: { n: 1 },
      userId: "server-1",
      timestamp: expect.any(Number),
      seq: expect.any(Number),
    };
    expect(await listener.next(ofType("event"))).toEqual({ ...event, topic: byId });
    expect(await other.next(ofType("event"))).toEqual({ ...event, topic: bySlug });
  });

  it("W2.5-unsubscribe ends the events of a topic", async () => {
    const client = await connect(withKey(secret));
    const topic = await subscribed(client, "room/quiet");
    client.say({ type: "unsubscribe", topic });
    client.say({ type: "publish", topic, event: "hello", data: 1 });
    expect((await settled(client)).filter(ofType("event"))).toEqual([]);
  });

  it("a public key listens and does not publish; a signed-in user publishes under their own name", async () => {
    const client = await connect(withKey(publicKey));
    await subscribed(client, "room/rights");
    client.say({ type: "publish", topic: "room/rights", event: "x", data: 1, id: "p1" });
    expect(await client.next(ofType("error"))).toMatchObject({ code: "FORBIDDEN", id: "p1", topic: "room/rights" });
    const user = await connect(
      [`aerostack-token.${ada.token}`, "aerostack-v1"],
      `projectId=${project.id}&userId=mallory`,
    );
    user.say({ type: "publish", topic: "room/rights", event: "x", data: 2, id: "p2" });
    expect(await client.next(ofType("event"))).toMatchObject({ data: 2, userId: ada.id });
  });

  it("of another project are not heard, whatever they are called", async () => {
    const stranger = await connect(withKey(strangersKey), "");
    stranger.say({ type: "subscribe", topic: `room/ours/${project.id}` });
    await stranger.next(ofType("subscribed"));
    const ours = await connect(withKey(secret));
    ours.say({ type: "publish", topic: "room/ours", event: "secret", data: 1, id: "x" });
    await ours.next(ofType("ack"));
    expect((await settled(stranger)).filter(ofType("event"))).toEqual([]);
  });

  it("come again from where a subscriber was, as far as they are still known", async () => {
    const client = await connect(withKey(secret));
    const topic = await subscribed(client, "room/resume");
    for (const n of [1, 2, 3]) client.say({ type: "publish", topic, event: "n", data: n });
    const first = await client.next((frame) => frame.data === 1);
    await client.next((frame) => frame.data === 3);
    client.socket.terminate();
    const keeper = await connect(withKey(secret));
    keeper.say({ type: "subscribe", topic: "room/resume", since: first.seq });
    await keeper.next(ofType("subscribed"));
    expect((await settled(keeper)).filter(ofType("event")).map(({ data }) => data)).toEqual([2, 3]);
  });
});

describe("presence", () => {
  it("W2.5-track tells who comes, changes and leaves, and shows newcomers who is there", async () => {
    const watcher = await connect(withKey(publicKey));
    await subscribed(watcher, "room/present");
    const user = await connect([`aerostack-token.${ada.token}`, "aerostack-v1"]);
    user.say({ type: "track", topic: "room/present", state: { mood: "fine" } });
    const who = { id: ada.id, userId: ada.id };
    expect(await watcher.next(ofType("event"))).toMatchObject({
      event: "presence:join",
      data: { ...who, state: { mood: "fine" } },
    });
    user.say({ type: "track", topic: "room/present", state: { mood: "tired" } });
    expect(await watcher.next(ofType("event"))).toMatchObject({
      event: "presence:update",
      data: { state: { mood: "tired" } },
    });
    const late = await connect(withKey(publicKey));
    await subscribed(late, "room/present");
    expect(await late.next(ofType("event"))).toMatchObject({
      event: "presence:state",
      data: { members: [{ ...who, state: { mood: "tired" } }] },
    });
    user.say({ type: "untrack", topic: "room/present" });
    expect(await watcher.next(ofType("event"))).toMatchObject({ event: "presence:leave", data: who });
  });

  it("W2.5-track counts two connections of one user once, and ends with the last of them", async () => {
    const watcher = await connect(withKey(publicKey));
    await subscribed(watcher, "room/twice");
    const [first, second] = [
      await connect([`aerostack-token.${ada.token}`]),
      await connect([`aerostack-token.${ada.token}`]),
    ];
    for (const one of [first, second]) one.say({ type: "track", topic: "room/twice", state: {} });
    await settled(first);
    await settled(second);
    first.socket.close();
    await once(first.socket, "close");
    expect((await settled(watcher)).map(({ event }) => event)).toEqual(["presence:join"]);
    second.socket.close();
    expect(await watcher.next((frame) => frame.event === "presence:leave")).toMatchObject({ data: { id: ada.id } });
  });
});

describe("chat, history and the rest", () => {
  it("W2.5-chat brings messages to a room as chat_message, and W2.5-history keeps them", async () => {
    const listener = await connect(withKey(publicKey));
    const topic = await subscribed(listener, `chat/den/${project.id}`);
    const user = await connect([`aerostack-token.${ada.token}`]);
    user.say({ type: "chat", roomId: "den", text: "hi", metadata: { a: 1 } });
    expect(await listener.next(ofType("chat_message"))).toMatchObject({
      topic,
      userId: ada.id,
      data: { text: "hi", metadata: { a: 1 } },
    });
    const query = `room=${encodeURIComponent(String(topic))}&limit=10`;
    const answer = await send(`${server.url}/api/v1/public/realtime/history?${query}`, {
      headers: { "x-aerostack-key": publicKey },
    });
    expect([answer.status, JSON.parse(answer.body)]).toEqual([
      200,
      {
        messages: [
          {
            id: expect.any(String),
            room_id: topic,
            user_id: ada.id,
            event: "message",
            data: { text: "hi", metadata: { a: 1 }, userId: ada.id },
            created_at: expect.any(Number),
          },
        ],
      },
    ]);
  });

  it("W2.5-history has only what was published to be kept, page by page, for those who may listen", async () => {
    const client = await connect(withKey(secret));
    for (let n = 0; n < 3; n++) client.say({ type: "publish", topic: "room/kept", event: "n", data: n, persist: true });
    client.say({ type: "publish", topic: "room/kept", event: "n", data: "passing" });
    await settled(client);
    const room = encodeURIComponent(`room/kept/${project.id}`);
    const history = async (rest: string, headers: Record<string, string>) => {
      const answer = await send(`${server.url}/api/v1/public/realtime/history?room=${room}${rest}`, { headers });
      return { status: answer.status, body: JSON.parse(answer.body) };
    };
    const key = { "x-aerostack-key": publicKey };
    const first = await history("&limit=2", key);
    expect(first.body.messages.map(({ data }: { data: unknown }) => data)).toEqual([2, 1]);
    const rest = await history(`&before=${first.body.messages[1].id}`, key);
    expect(rest.body.messages.map(({ data }: { data: unknown }) => data)).toEqual([0]);
    expect((await history("", { authorization: `Bearer ${ada.token}` })).status).toBe(200);
    expect((await history("", {})).status).toBe(401);
    const expired = await history("", { authorization: `Bearer ${EXPIRED_TOKEN}` });
    expect(expired).toMatchObject({ status: 401, body: { code: "AUTH_TOKEN_EXPIRED" } });
    expect((await history("", { "x-aerostack-key": strangersKey })).body.messages ?? []).toEqual([]);
  });

  it("W2.5-ping is answered, and W2.5-auth makes a live connection a user's", async () => {
    const client = await connect(withKey(publicKey));
    client.say({ type: "ping" });
    expect(await client.next(ofType("pong"))).toEqual({ type: "pong" });
    client.say({ type: "auth", token: "a.b.c" });
    expect(await client.next(ofType("error"))).toMatchObject({ code: "AUTH_TOKEN_INVALID" });
    // Its client uses the refresh token then.
    client.say({ type: "auth", token: EXPIRED_TOKEN });
    expect(await client.next(ofType("error"))).toMatchObject({ code: "AUTH_TOKEN_EXPIRED" });
    client.say({ type: "auth", token: ada.token });
    expect(await client.next(ofType("authenticated"))).toMatchObject({ userId: ada.id });
    client.say({ type: "publish", topic: "room/live", event: "x", data: 1, id: "after" });
    expect(await client.next(ofType("ack"))).toEqual({ type: "ack", id: "after" });
  });

  it("W2.5-restore gives a client that returns without asking what it was subscribed to", async () => {
    const query = `projectId=${project.id}&userId=phone-7`;
    const before = await connect(withKey(publicKey), query);
    const topic = await subscribed(before, `room/restored/${project.id}`);
    before.socket.close();
    await once(before.socket, "close");
    let after: Client | undefined;
    await pollUntil("the subscription is restored", async () => {
      after?.socket.terminate();
      after = await connect(withKey(publicKey), query);
      await settled(after);
      return after.frames.some((frame) => frame.type === "subscribed" && frame.topic === topic);
    });
    const speaker = await connect(withKey(secret));
    speaker.say({ type: "publish", topic: "room/restored", event: "back", data: 1 });
    expect(await after?.next(ofType("event"))).toMatchObject({ topic, event: "back" });
    const somebodyElse = await connect(withKey(publicKey), `projectId=${project.id}&userId=phone-8`);
    expect((await settled(somebodyElse)).filter(ofType("subscribed"))).toEqual([]);
  });

  it("W2.5-restore brings what was published while the client was away, through its filter, and then what is new", async () => {
    const query = `projectId=${project.id}&userId=phone-9`;
    const before = await connect(withKey(publicKey), query);
    const speaker = await connect(withKey(secret));
    const say = async (n: number, to: string): Promise<void> => {
      speaker.say({ type: "publish", topic: "room/missed", event: "n", data: { n, to }, id: String(n) });
      await speaker.next(ofType("ack"));
    };
    before.say({ type: "subscribe", topic: "room/missed", filter: { to: "me" } });
    await before.next(ofType("subscribed"));
    await say(1, "me");
    await before.next(ofType("event"));
    before.socket.close();
    await once(before.socket, "close");
    await say(2, "me");
    await say(3, "somebody else");
    await say(4, "me");
    const after = await connect(withKey(publicKey), query);
    expect(await after.next(ofType("subscribed"))).toMatchObject({ topic: `room/missed/${project.id}`, resumed: true });
    await say(5, "me");
    const heard: unknown[] = [];
    while (heard.length < 3) heard.push(((await after.next(ofType("event"))).data as { n: number }).n);
    expect(heard).toEqual([2, 4, 5]);
    // Who asks for more gets more.
    after.say({ type: "subscribe", topic: "room/missed", since: 1 });
    expect(await after.next(ofType("subscribed"))).toMatchObject({ resumed: false });
  });

  it("W2.6-socket.emit and publishing over HTTP reach subscribers", async () => {
    const client = await connect(withKey(publicKey));
    await subscribed(client, "room/server");
    const key = { "x-aerostack-key": secret };
    const rpc = { method: "socket.emit", args: ["hello", { from: "function" }, "room/server"] };
    expect(await post("/internal/hooks/rpc", rpc, key)).toEqual({ status: 200, body: { success: true } });
    expect(await client.next(ofType("event"))).toMatchObject({ event: "hello", data: { from: "function" } });
    const published = await post("/v1/realtime/publish", { topic: "room/server", event: "again", data: 2 }, key);
    expect(published).toEqual({ status: 200, body: { success: true, topic: `room/server/${project.id}` } });
    expect(await client.next(ofType("event"))).toMatchObject({ event: "again", data: 2 });
    const refused = await post(
      "/v1/realtime/publish",
      { topic: "room/server", event: "x", data: 1 },
      { "x-aerostack-key": publicKey },
    );
    expect(refused.status).toBe(403);
  });
});

describe("hostile clients", () => {
  it("get an error for what is no message, and the connection stays", async () => {
    const client = await connect(withKey(secret));
    const bad = [
      "",
      "{",
      "[]",
      "null",
      '"text"',
      '{"type":"nope"}',
      '{"type":"subscribe"}',
      '{"type":"subscribe","topic":7}',
    ];
    const topics = ["/a", "a/", "a//b", "a\u0000b", "x".repeat(257)].map((topic) => ({ type: "subscribe", topic }));
    for (const message of [...bad, ...topics]) {
      client.say(message);
      expect((await client.next(ofType("error"))).code).toMatch(/^(?:REQUEST_MALFORMED|VALIDATION_ERROR)$/);
    }
    await settled(client);
  });

  it("that read nothing are let go instead of filling the memory", async () => {
    const slow = await connect(withKey(secret));
    await subscribed(slow, "room/flood");
    slow.socket.pause();
    const key = { "x-aerostack-key": secret };
    const data = "x".repeat(50_000);
    let isGone = false;
    slow.socket.once("close", () => {
      isGone = true;
    });
    for (let count = 0; count < 400; count++)
      await post("/v1/realtime/publish", { topic: "room/flood", event: "x", data }, key);
    slow.socket.resume();
    await pollUntil("it is let go", async () => isGone);
    expect((await post("/v1/realtime/publish", { topic: "room/flood", event: "x", data: 1 }, key)).status).toBe(200);
  });

  it("cannot pretend that a row changed, nor hear of rows that are closed to them", async () => {
    const client = await connect(withKey(publicKey));
    client.say({ type: "subscribe", topic: "table/orders" });
    expect(await client.next(ofType("error"))).toMatchObject({ code: "FORBIDDEN", topic: "table/orders" });
    const server = await connect(withKey(secret));
    server.say({ type: "publish", topic: "table/orders", event: "INSERT", data: {}, id: "t" });
    expect(await server.next(ofType("error"))).toMatchObject({ code: "FORBIDDEN", id: "t" });
  });
});
