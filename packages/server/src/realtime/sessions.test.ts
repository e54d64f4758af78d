import { PLANS } from "@aerostack/contracts";
import { createManualClock, type ManualClock } from "@aerostack/kernel";
import { afterEach, expect, it } from "vitest";
import type { WebSocket } from "ws";
import type { Sql } from "../kernel/sql/index.ts";
import { describeEachControlDatabase } from "../testing-database.ts";
import { RealtimeConnection } from "./connection.ts";
import { createSessionStore, SESSION_MS } from "./session-store.ts";
import { createSessions, NODE_LOST_AFTER_MS, type RestoredTopic } from "./sessions.ts";
import type { RealtimeTables } from "./tables.ts";

const PROJECT = { id: "prj_a", slug: "a" };
const ROOM = { topic: "room/prj_a", filter: { n: 1 } };
const MARGIN_MS = 1_000;

describeEachControlDatabase("what clients are subscribed to", (openDatabase) => {
  const servers: { readonly end: () => Promise<void> }[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.end();
  });

  async function open() {
    const untyped = await openDatabase();
    return { sql: untyped.withTables<RealtimeTables>(), clock: createManualClock(Date.UTC(2026, 5, 1)) };
  }

  function startServer(
    { sql, clock }: { readonly sql: Sql<RealtimeTables>; readonly clock: ManualClock },
    node: string,
    isAlone = false,
  ) {
    const restored: RestoredTopic[] = [];
    const store = createSessionStore(sql);
    let unsentBytes = 0;
    const sessions = createSessions({
      store,
      clock,
      node,
      isAlone,
      log: {
        warn: (facts: unknown) => {
          throw facts;
        },
      },
      restore: async (_connection, topics) => void restored.push(...topics),
    });
    servers.push(sessions);

    function connect(userId: string): RealtimeConnection {
      const socket = {
        on: () => {},
        OPEN: 1,
        readyState: 1,
        get bufferedAmount() {
          return unsentBytes;
        },
      };
      return new RealtimeConnection({
        id: `con_${userId}`,
        socket: socket as unknown as WebSocket,
        project: PROJECT,
        owner: { projectId: PROJECT.id, credential: "key", userId, address: "" },
        speaker: { access: "public", user: null },
        credentials: { address: "192.0.2.1", key: "key", token: undefined },
        limits: PLANS.free.realtime,
        now: clock.now(),
      });
    }
    function subscribe(connection: RealtimeConnection, lastSeq: number): void {
      const { topic: full, filter } = ROOM;
      connection.topics.set(full, { full, name: "room", shown: full, filter, lastSeq });
      sessions.changed(connection);
    }
    return {
      ...sessions,
      store,
      restored,
      connect,
      subscribe,
      holdBack: (bytes: number): void => {
        unsentBytes = bytes;
      },
    };
  }

  it("is given back behind the last event that was handed over, with its filter, to nobody else", async () => {
    const server = startServer(await open(), "one");
    const before = server.connect("ada");
    server.subscribe(before, 41);
    server.close(before);
    await server.open(server.connect("bob"));
    expect(server.restored).toEqual([]);
    await server.flush();
    await server.open(server.connect("ada"));
    expect(server.restored).toEqual([{ ...ROOM, since: 41 }]);
  });

  it("is forgotten after two minutes, and removed", async () => {
    const world = await open();
    const server = startServer(world, "one");
    const before = server.connect("ada");
    server.subscribe(before, 41);
    server.close(before);
    await server.flush();
    world.clock.advance(SESSION_MS);
    await server.open(server.connect("ada"));
    expect(server.restored).toEqual([]);
    await server.store.removeExpired(world.clock.now());
    expect(await world.sql.db.selectFrom("realtime_sessions").selectAll().execute()).toEqual([]);
  });

  it("goes on from the time when everything had left for a client that was dropped for reading too slowly", async () => {
    const world = await open();
    const server = startServer(world, "one");
    const slow = server.connect("ada");
    server.subscribe(slow, 41);
    world.clock.advance(7_000);
    await server.tick();
    const drainedAtMs = world.clock.now();
    server.holdBack(1_000_000);
    world.clock.advance(7_000);
    await server.tick();
    server.close(slow);
    await server.flush();
    await server.open(server.connect("ada"));
    expect(server.restored).toEqual([{ ...ROOM, since: { afterMs: drainedAtMs } }]);
  });

  it("is taken over from a server that was killed, by one that is alone at once, from its last sign of life on", async () => {
    const world = await open();
    const killed = startServer(world, "one", true);
    killed.subscribe(killed.connect("ada"), 41);
    await killed.flush();
    world.clock.advance(5_000);
    await killed.tick();
    const lastSignMs = world.clock.now();
    world.clock.advance(2_000);
    const next = startServer(world, "two", true);
    await next.open(next.connect("ada"));
    expect(next.restored).toEqual([{ ...ROOM, since: { afterMs: lastSignMs - MARGIN_MS } }]);
  });

  it("is taken over by another server as soon as the killed one is known to be dead, also by a client that was there before", async () => {
    const world = await open();
    const killed = startServer(world, "one");
    killed.subscribe(killed.connect("ada"), 41);
    await killed.flush();
    const other = startServer(world, "two");
    await other.open(other.connect("ada"));
    world.clock.advance(NODE_LOST_AFTER_MS - 1);
    await other.tick();
    expect(other.restored).toEqual([]);
    world.clock.advance(1);
    await other.tick();
    await other.tick();
    expect(other.restored).toHaveLength(1);
  });

  it("stays with a client whose connection is open, and comes to its second one when the first is closed", async () => {
    const world = await open();
    const server = startServer(world, "one");
    const other = startServer(world, "two");
    const first = server.connect("ada");
    server.subscribe(first, 41);
    await server.flush();
    for (const one of [server, other]) await one.open(one.connect("ada"));
    for (let minute = 0; minute < 8; minute++) {
      world.clock.advance(5_000);
      await server.tick();
      await other.tick();
    }
    expect([...server.restored, ...other.restored]).toEqual([]);
    server.close(first);
    await server.flush();
    await other.tick();
    expect(other.restored).toEqual([{ ...ROOM, since: 41 }]);
  });

  it("of many clients is written together, each once however often it changed", async () => {
    const world = await open();
    const server = startServer(world, "one");
    const connections = Array.from({ length: 250 }, (_, n) => server.connect(`user-${n}`));
    for (const round of [1, 2]) for (const connection of connections) server.subscribe(connection, round);
    await server.flush();
    const rows = await world.sql.db.selectFrom("realtime_sessions").select(["node", "topics"]).execute();
    expect(rows).toHaveLength(250);
    expect(rows.every(({ node, topics }) => node === "one" && JSON.parse(topics)[0].seq === 2)).toBe(true);
  });

  it("is noted by a server that stops", async () => {
    const world = await open();
    const server = startServer(world, "one");
    server.subscribe(server.connect("ada"), 41);
    await server.end();
    const other = startServer(world, "two");
    await other.open(other.connect("ada"));
    expect(other.restored).toEqual([{ ...ROOM, since: 41 }]);
  });
});
