import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { pollUntil } from "./harness/poll-until.ts";
import { connectRealtime } from "./harness/realtime-client.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// Realtime for clients without a WebSocket, and what ends connections of either kind.

interface StreamEvent {
  readonly id: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: frames of every type, asserted as they are found
  readonly data: any;
}

let server: ServerProcess;
let developer: Developer;
let project: Project;
let secret: string;
let publicKey: string;
const aborts: AbortController[] = [];

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  developer = await createDeveloper(server);
  project = await developer.createProject("streams");
  secret = (await developer.createKey(project, "secret")).secret;
  publicKey = (await developer.createKey(project, "public")).secret;
});
afterEach(() => {
  for (const abort of aborts.splice(0)) abort.abort();
});
afterAll(async () => {
  await server?.dispose();
});

async function request(query: string, headers: Record<string, string> = {}): Promise<Response> {
  const abort = new AbortController();
  aborts.push(abort);
  const url = `${server.url}/api/v1/public/realtime/stream?${query}`;
  return await fetch(url, { headers, signal: abort.signal });
}

/** Gives the stream's events one by one. */
async function listen(query: string, headers: Record<string, string> = {}): Promise<() => Promise<StreamEvent>> {
  const answer = await request(query, headers);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("text/event-stream");
  const reader = answer.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  return async () => {
    for (;;) {
      const end = text.indexOf("\n\n");
      if (end === -1) {
        const { value, done } = (await reader?.read()) ?? { done: true, value: undefined };
        if (done) throw new Error("the stream has ended");
        text += decoder.decode(value, { stream: true });
        continue;
      }
      const lines = text.slice(0, end).split("\n");
      text = text.slice(end + 2);
      const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      const data = field("data");
      if (data !== undefined) return { id: field("id"), data: JSON.parse(data) };
    }
  };
}

async function publish(topic: string, n: number): Promise<void> {
  const answer = await fetch(`${server.url}/v1/realtime/publish`, {
    method: "POST",
    headers: { "x-aerostack-key": secret, "content-type": "application/json" },
    body: JSON.stringify({ topic, event: "n", data: n }),
  });
  expect(answer.status).toBe(200);
}

describe("a stream of server-sent events", () => {
  it("brings the events of several topics, to a public key in the query too", async () => {
    const next = await listen(`topic=room/a&topic=room/b&apiKey=${publicKey}`);
    expect((await next()).data).toMatchObject({ type: "subscribed", topic: `room/a/${project.id}` });
    expect((await next()).data).toMatchObject({ type: "subscribed", topic: `room/b/${project.id}` });
    await publish("room/a", 1);
    await publish("room/other", 2);
    await publish("room/b", 3);
    const told = [await next(), await next()];
    expect(told.map(({ data }) => [data.type, data.topic, data.event, data.data])).toEqual([
      ["event", `room/a/${project.id}`, "n", 1],
      ["event", `room/b/${project.id}`, "n", 3],
    ]);
  });

  it("goes on behind the last event id, without a gap and without a repeat", async () => {
    const query = `topic=room/c&topic=room/d`;
    const headers = { "x-aerostack-key": secret };
    const first = await listen(query, headers);
    await first();
    await first();
    await publish("room/c", 1);
    const { id } = await first();
    for (const abort of aborts.splice(0)) abort.abort();
    for (const n of [2, 3]) await publish("room/c", n);
    await publish("room/d", 4);
    const again = await listen(query, { ...headers, "last-event-id": id ?? "" });
    const numbers: number[] = [];
    const resumed: unknown[] = [];
    while (numbers.length < 3) {
      const { data } = await again();
      if (data.type === "subscribed") resumed.push(data.resumed);
      else numbers.push(data.data);
    }
    expect(numbers).toEqual([2, 3, 4]);
    expect(resumed).toEqual([true, true]);
  });

  it("that nobody reads is ended instead of filling the memory, and goes on where it was when it is read again", async () => {
    const query = "topic=room/slow";
    const headers = { "x-aerostack-key": secret };
    const first = await listen(query, headers);
    const { id } = await first();
    const reading = connect(server.port, "127.0.0.1");
    reading.on("error", () => {});
    reading.write(
      `GET /api/v1/public/realtime/stream?${query} HTTP/1.1\r\nhost: a\r\nx-aerostack-key: ${secret}\r\n\r\n`,
    );
    await once(reading, "data");
    reading.pause();
    for (const abort of aborts.splice(0)) abort.abort();
    const data = "x".repeat(60_000);
    const count = 300;
    for (let n = 0; n < count; n++) {
      const answer = await fetch(`${server.url}/v1/realtime/publish`, {
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body: JSON.stringify({ topic: "room/slow", event: "n", data: `${n} ${data}` }),
      });
      expect(answer.status).toBe(200);
    }
    let received = "";
    reading.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
    });
    reading.resume();
    // The last chunk of an answer of unknown length (RFC 9112, 7.1): it was ended, not broken off.
    await pollUntil("the stream ends", async () => received.endsWith("0\r\n\r\n"));
    const seen = received.split('event":"n"').length - 1;
    expect(seen).toBeGreaterThan(0);
    expect(seen).toBeLessThan(count);
    reading.destroy();
    // The memory of one topic holds less than that: whoever was away for so much is told so.
    const again = await listen(query, { ...headers, "last-event-id": id ?? "" });
    expect((await again()).data).toMatchObject({ type: "subscribed", resumed: false });
  });

  it("tells changes of rows", async () => {
    await developer.call("POST", `/api/v1/projects/${project.id}/db/query`, { sql: "CREATE TABLE t (n)" });
    const next = await listen("topic=table/t", { "x-aerostack-key": secret });
    await next();
    await developer.call("POST", `/api/v1/projects/${project.id}/db/query`, { sql: "INSERT INTO t VALUES (5)" });
    expect((await next()).data).toMatchObject({ type: "db_change", operation: "INSERT", data: { n: 5 } });
  });

  it("is refused without a credential, for another's project as for none, and for what may not be listened to", async () => {
    const stranger = await createDeveloper(server);
    const theirs = await stranger.createProject("theirs");
    const strangersKey = (await stranger.createKey(theirs, "secret")).secret;
    expect((await request(`topic=room/a&projectId=${project.id}`)).status).toBe(401);
    expect((await request("topic=room/a&projectId=prj_absent")).status).toBe(401);
    expect((await request("topic=room/a", { "x-aerostack-key": "sk_made_up" })).status).toBe(401);
    expect((await request("topic=table/t", { "x-aerostack-key": publicKey })).status).toBe(403);
    expect((await request("", { "x-aerostack-key": secret })).status).toBe(400);
    const next = await listen(`topic=room/a/${project.id}`, { "x-aerostack-key": strangersKey });
    expect((await next()).data.topic).toBe(`room/a/${project.id}/${theirs.id}`);
  });
});

describe("a server that is started again", () => {
  it.each(["stopped", "killed"])(
    "after it was %s gives clients back what they listened to, without their asking",
    async (how) => {
      const first = await startServer({ env: UNLIMITED });
      const owner = await createDeveloper(first);
      const made = await owner.createProject("restarted");
      const key = (await owner.createKey(made, "secret")).secret;
      const hello = { protocols: [`aerostack-key.${key}`, "aerostack-v1"], query: `projectId=${made.id}&userId=ada` };
      const before = await connectRealtime(first, hello);
      await before.subscribe("room/a");
      if (how === "killed") {
        // What clients listen to is written within a second.
        await new Promise((resolve) => setTimeout(resolve, 2_000));
        await first.kill();
      } else await first.stop();
      const second = await startServer({ env: UNLIMITED, dataDir: first.dataDir, port: first.port });
      const after = await connectRealtime(second, hello);
      expect(await after.next(({ type }) => type === "subscribed")).toMatchObject({ topic: `room/a/${made.id}` });
      after.socket.terminate();
      await second.dispose();
    },
  );
});

describe("a connection", () => {
  it("is closed with 4401 within seconds once its key is revoked", async () => {
    const key = await developer.createKey(project, "public");
    const client = await connectRealtime(server, { protocols: [`aerostack-key.${key.secret}`, "aerostack-v1"] });
    await client.subscribe("room/a");
    await developer.call("DELETE", `/api/v1/projects/${project.id}/keys/${key.id}`);
    const [code] = await once(client.socket, "close");
    expect(code).toBe(4401);
  });

  it("gives events numbers without gaps, and says whether what came after one is all there", async () => {
    const client = await connectRealtime(server, { protocols: [`aerostack-key.${secret}`, "aerostack-v1"] });
    await client.subscribe("room/numbers");
    for (const n of [1, 2, 3]) await publish("room/numbers", n);
    const seqs: number[] = [];
    while (seqs.length < 3) seqs.push((await client.next(({ type }) => type === "event")).seq as number);
    expect(seqs).toEqual([seqs[0], (seqs[0] ?? 0) + 1, (seqs[0] ?? 0) + 2]);
    const resumedFrom = async (since: number) => {
      const other = await connectRealtime(server, {
        protocols: [`aerostack-key.${secret}`, "aerostack-v1"],
        query: `userId=${since}`,
      });
      other.say({ type: "subscribe", topic: "room/numbers", since });
      const { resumed } = await other.next(({ type }) => type === "subscribed");
      other.socket.terminate();
      return resumed;
    };
    expect(await resumedFrom(seqs[0] ?? 0)).toBe(true);
    expect(await resumedFrom(5)).toBe(false);
    client.socket.terminate();
  });
});
