import { randomBytes } from "node:crypto";
import { copyFile, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PLANS } from "@aerostack/contracts";
import { Redis } from "ioredis";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { pollUntil } from "./harness/poll-until.ts";
import { connectRealtime, type RealtimeClient } from "./harness/realtime-client.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// Two servers of one installation: PostgreSQL and Redis between them.

const POSTGRES = process.env.AEROSTACK_TEST_DATABASE_URL ?? "postgres://root@localhost/test?host=/var/run/postgresql";
const REDIS = process.env.AEROSTACK_TEST_REDIS_URL ?? "redis://127.0.0.1:6379";

async function enginesAnswer(): Promise<boolean> {
  const client = new pg.Client({ connectionString: POSTGRES, connectionTimeoutMillis: 1_000 });
  const redis = new Redis(REDIS, { lazyConnect: true, connectTimeout: 1_000, retryStrategy: () => null });
  redis.on("error", () => {});
  try {
    await Promise.all([client.connect(), redis.connect()]);
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
    redis.disconnect();
  }
}

describe.skipIf(!(await enginesAnswer()))("realtime on two servers", () => {
  const schema = `aerostack_e2e_${randomBytes(6).toString("hex")}`;
  const clients: RealtimeClient[] = [];
  let admin: pg.Client;
  let env: Record<string, string>;
  let here: ServerProcess;
  let there: ServerProcess;
  let developer: Developer;
  let project: Project;
  let secret: string;

  beforeAll(async () => {
    admin = new pg.Client({ connectionString: POSTGRES });
    await admin.connect();
    await admin.query(`CREATE SCHEMA ${schema}`);
    const url = new URL(POSTGRES);
    url.searchParams.set("options", `-c search_path=${schema}`);
    env = {
      ...UNLIMITED,
      AEROSTACK_DATABASE_URL: url.href,
      AEROSTACK_REDIS_URL: REDIS,
      AEROSTACK_DEFAULT_PLAN: "free",
    };
    here = await startServer({ env });
    there = await startAnother();
    developer = await createDeveloper(here);
    project = await developer.createProject("clustered");
    secret = (await developer.createKey(project, "secret")).secret;
  });
  afterEach(() => {
    for (const { socket } of clients.splice(0)) socket.terminate();
  });
  afterAll(async () => {
    await Promise.all([here?.dispose(), there?.dispose()]);
    await admin.query(`DROP SCHEMA ${schema} CASCADE`);
    await admin.end();
  });

  async function startAnother(): Promise<ServerProcess> {
    const dataDir = await mkdtemp(join(tmpdir(), "aerostack-e2e-"));
    await copyFile(join(here.dataDir, "secrets.json"), join(dataDir, "secrets.json"));
    return await startServer({ env, dataDir });
  }

  async function connect(server: ServerProcess, userId: string): Promise<RealtimeClient> {
    const client = await connectRealtime(server, {
      protocols: [`aerostack-key.${secret}`, "aerostack-v1"],
      query: `projectId=${project.id}&userId=${userId}`,
    });
    clients.push(client);
    return client;
  }
  const isEvent = ({ type }: { readonly type?: unknown }): boolean => type === "event";

  it("brings what is published at either to the subscribers of both, in one order under the same numbers", async () => {
    const [left, right] = [await connect(here, "left"), await connect(there, "right")];
    for (const client of [left, right]) await client.subscribe("room/a");
    for (let n = 0; n < 40; n++) {
      (n % 2 === 0 ? left : right).say({ type: "publish", topic: "room/a", event: "n", data: n, id: String(n) });
    }
    const heard = async (client: RealtimeClient) => {
      const events: unknown[] = [];
      while (events.length < 40) {
        const { seq, data } = await client.next(isEvent);
        events.push([seq, data]);
      }
      return events;
    };
    const [first, second] = [await heard(left), await heard(right)];
    expect(second).toEqual(first);
  });

  it("lets a client go on at the other server behind the last event it saw, and restores its subscriptions there", async () => {
    const speaker = await connect(here, "speaker");
    const leaving = await connect(here, "returning");
    await leaving.subscribe("room/b");
    speaker.say({ type: "publish", topic: "room/b", event: "n", data: 1 });
    const { seq } = await leaving.next(isEvent);
    leaving.socket.terminate();
    speaker.say({ type: "publish", topic: "room/b", event: "n", data: 2, id: "2" });
    await speaker.next(({ type }) => type === "ack");
    const back = await connect(there, "somebody else");
    back.say({ type: "subscribe", topic: "room/b", since: seq });
    expect(await back.next(({ type }) => type === "subscribed")).toMatchObject({ resumed: true });
    expect((await back.next(isEvent)).data).toBe(2);
    const returned = await connect(there, "returning");
    expect(await returned.next(({ type }) => type === "subscribed")).toMatchObject({ topic: `room/b/${project.id}` });
  });

  it("tells who is present on either", async () => {
    const [left, right] = [await connect(here, "ada"), await connect(there, "bob")];
    await right.subscribe("room/c");
    left.say({ type: "track", topic: "room/c", state: { mood: "good" } });
    const joined = await right.next(({ event }) => event === "presence:join");
    expect(joined.data).toMatchObject({ userId: "ada", state: { mood: "good" } });
    left.socket.terminate();
    expect((await right.next(({ event }) => event === "presence:leave")).data).toMatchObject({ userId: "ada" });
  });

  it("tells subscribers of one what rows are written at the other", async () => {
    const sql = (text: string) => developer.call("POST", `/api/v1/projects/${project.id}/db/query`, { sql: text });
    await sql("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)");
    const client = await connect(there, "reader");
    await client.subscribe("table/notes");
    await sql("INSERT INTO notes (text) VALUES ('written here')");
    const { operation, data } = await client.next(({ type }) => type === "db_change");
    expect([operation, data]).toEqual(["INSERT", { id: 1, text: "written here" }]);
  });

  it("counts a project's connections over both, and lets in the next when one is closed at the other", async () => {
    const limit = PLANS.free.realtime.connections;
    const full = await developer.createProject("full");
    const key = (await developer.createKey(full)).secret;
    const enter = async (server: ServerProcess): Promise<RealtimeClient> => {
      const client = await connectRealtime(server, { protocols: [`aerostack-key.${key}`, "aerostack-v1"] });
      clients.push(client);
      return client;
    };
    const all = await Promise.all(Array.from({ length: limit }, (_, n) => enter(n % 2 === 0 ? here : there)));
    await expect(enter(here)).rejects.toThrow("429");
    await expect(enter(there)).rejects.toThrow("429");
    all.find((_, n) => n % 2 === 0)?.socket.terminate();
    await pollUntil(
      "a place is free",
      async () =>
        await enter(there).then(
          () => true,
          () => false,
        ),
    );
  });

  it("restores at the other what a client listened to at a server that was killed, with what was published since", async () => {
    const dying = await startAnother();
    const leaving = await connect(dying, "bereft");
    await leaving.subscribe("room/d", { filter: { to: "me" } });
    const speaker = await connect(here, "speaker 2");
    const say = async (n: number, to: string): Promise<void> => {
      speaker.say({ type: "publish", topic: "room/d", event: "n", data: { n, to }, id: String(n) });
      await speaker.next(({ type }) => type === "ack");
    };
    await say(1, "me");
    await leaving.next(isEvent);
    // What clients listen to is written within a second.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await dying.kill();
    await say(2, "me");
    await say(3, "somebody else");
    const back = await connect(there, "bereft");
    // As soon as the other servers know that it is dead.
    await pollUntil("it is restored", async () => back.frames.length > 0, 20_000);
    expect(await back.next(({ type }) => type === "subscribed")).toMatchObject({ topic: `room/d/${project.id}` });
    await say(4, "me");
    const heard: unknown[] = [];
    while (heard.at(-1) !== 4) heard.push(((await back.next(isEvent)).data as { n: number }).n);
    // What came in the last seconds of the server may come twice, under the same number.
    expect(heard.filter((n) => n !== 1)).toEqual([2, 4]);
    await dying.dispose();
  }, 60_000);
});
