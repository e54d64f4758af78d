import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { createConnection } from "./connection.ts";
import { createRealtime, type Realtime } from "./realtime.ts";

interface Seen {
  readonly socket: WebSocket;
  readonly request: IncomingMessage;
  readonly frames: Record<string, unknown>[];
}

let server: WebSocketServer;
let realtime: Realtime;
let connections: Seen[];
let answer: (frame: Record<string, unknown>, socket: WebSocket) => void;
let waiters: (() => void)[];

const say = (socket: WebSocket, frame: object): void => socket.send(JSON.stringify(frame));

/** Resolves when what was seen fits. */
async function seen(fits: () => boolean): Promise<void> {
  while (!fits()) await new Promise<void>((resolve) => waiters.push(resolve));
}
const wake = (): void => {
  for (const waiter of waiters.splice(0)) waiter();
};

beforeEach(async () => {
  connections = [];
  waiters = [];
  answer = (frame, socket) => {
    if (frame.type === "subscribe") say(socket, { type: "subscribed", topic: `${frame.topic}/prj_1` });
    if (frame.type === "publish") say(socket, { type: "ack", id: frame.id });
  };
  server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => "aerostack-v1" });
  await once(server, "listening");
  server.on("connection", (socket, request) => {
    const one: Seen = { socket, request, frames: [] };
    connections.push(one);
    socket.on("message", (data) => {
      const frame = JSON.parse(String(data));
      one.frames.push(frame);
      answer(frame, socket);
      wake();
    });
    wake();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  realtime = createRealtime(createConnection({ url, apiKey: "pk_1", project: "shop" }));
});
afterEach(() => {
  realtime.close();
  for (const { socket } of connections) socket.terminate();
  server.close();
});

describe("a realtime client", () => {
  it("says who it is in the sub-protocols, and subscribes as the server names the topic", async () => {
    const room = realtime.channel("room/lobby");
    await room.ready;
    expect(room.topic).toBe("room/lobby/prj_1");
    expect(connections[0]?.request.url).toBe("/api/realtime?projectId=shop");
    expect(connections[0]?.request.headers["sec-websocket-protocol"]).toMatch(/^aerostack-key\.pk_1, ?aerostack-v1$/);
  });

  it("hands out events by name and by *, with their frames, until the listener or the channel ends", async () => {
    const room = realtime.channel("room/lobby");
    const told: unknown[] = [];
    const end = room.on("hello", (data) => told.push(["hello", data]));
    room.on("*", (_data, frame) => told.push(["*", frame.event ?? frame.operation]));
    await room.ready;
    const [{ socket } = { socket: undefined }] = connections;
    if (socket === undefined) throw new Error("nobody connected");
    say(socket, { type: "event", topic: room.topic, event: "hello", data: 1 });
    say(socket, { type: "db_change", topic: room.topic, operation: "INSERT", data: 2 });
    say(socket, { type: "event", topic: "room/other/prj_1", event: "hello", data: 3 });
    await room.publish("echo", {});
    end();
    say(socket, { type: "event", topic: room.topic, event: "hello", data: 4 });
    await room.publish("echo", {});
    expect(told).toEqual([
      ["hello", 1],
      ["*", "hello"],
      ["*", "INSERT"],
      ["*", "hello"],
    ]);
    room.leave();
    await seen(() => connections[0]?.frames.at(-1)?.type === "unsubscribe");
  });

  it("subscribes again by itself after a lost connection, is present again, and goes on behind the last event", async () => {
    const room = realtime.channel("room/lobby");
    const told: unknown[] = [];
    room.on("n", (data) => told.push(data));
    await room.ready;
    room.track({ name: "Ada" });
    for (const seq of [7, 8]) {
      say(connections[0]?.socket as WebSocket, { type: "event", topic: room.topic, event: "n", data: seq, seq });
    }
    await room.publish("echo", {});
    connections[0]?.socket.terminate();
    await seen(() => (connections[1]?.frames.length ?? 0) >= 2);
    expect(connections[1]?.frames).toEqual([
      { type: "subscribe", topic: "room/lobby", since: 8 },
      { type: "track", topic: "room/lobby/prj_1", state: { name: "Ada" } },
    ]);
    // The server replays a little too much.
    for (const seq of [8, 9]) {
      say(connections[1]?.socket as WebSocket, { type: "event", topic: room.topic, event: "n", data: seq, seq });
    }
    await room.publish("echo", {});
    expect(told).toEqual([7, 8, 9]);
  });

  it("sends what was published while there was no connection, and fails what the server refuses", async () => {
    answer = (frame, socket) => {
      if (frame.type !== "publish") return;
      if (frame.event === "bad") say(socket, { type: "error", id: frame.id, code: "FORBIDDEN", message: "No." });
      else say(socket, { type: "ack", id: frame.id });
    };
    const room = realtime.channel("room/lobby");
    await room.publish("good", { a: 1 }, { persist: true });
    await expect(room.publish("bad", {})).rejects.toMatchObject({ code: "FORBIDDEN" });
    const published = connections[0]?.frames.filter(({ type }) => type === "publish");
    expect(published?.[0]).toMatchObject({ topic: "room/lobby", event: "good", data: { a: 1 }, persist: true });
  });

  it("tells of a subscription that is refused", async () => {
    answer = (frame, socket) => say(socket, { type: "error", topic: frame.topic, code: "FORBIDDEN", message: "No." });
    await expect(realtime.channel("secret/room").ready).rejects.toMatchObject({ code: "FORBIDDEN" });
  });

  it("shares one subscription among its users, and one connection among all", async () => {
    const [first, second] = [realtime.channel("room/a"), realtime.channel("room/a")];
    await Promise.all([first.ready, second.ready, realtime.table("todos").ready]);
    first.leave();
    first.leave();
    await second.publish("still", {});
    expect(connections).toHaveLength(1);
    expect(connections[0]?.frames.map(({ type, topic }) => [type, topic])).toEqual([
      ["subscribe", "room/a"],
      ["subscribe", "table/todos"],
      ["publish", "room/a/prj_1"],
    ]);
  });

  it("ends what waits when it is closed, and does not come back", async () => {
    answer = () => {};
    const states: string[] = [];
    realtime.onStatus((status) => states.push(status));
    const waiting = realtime.channel("room/a").publish("never", {});
    await seen(() => connections[0]?.frames.some(({ type }) => type === "publish") === true);
    realtime.close();
    await expect(waiting).rejects.toMatchObject({ code: "NETWORK_ERROR" });
    expect(states).toEqual(["connecting", "connected", "closed"]);
  });
});
