import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { AerostackError } from "@aerostack/contracts";
import { type Clock, createId, randomText } from "@aerostack/kernel";
import { type RawData, type WebSocket, WebSocketServer } from "ws";
import type { Bus } from "../kernel/bus/bus.ts";
import type { ChangeFeed } from "../kernel/change-feed/change-feed.ts";
import type { EventLog } from "../kernel/event-log/event-log.ts";
import type { HostCall } from "../kernel/host-call.ts";
import type { Logger } from "../kernel/log.ts";
import type { Sql } from "../kernel/sql/index.ts";
import { NOT_VALID_ANY_MORE, RealtimeConnection, TOO_MANY } from "./connection.ts";
import { EventStream } from "./event-stream.ts";
import { createFrameHandler } from "./frame-handler.ts";
import {
  type Admitted,
  createHandshake,
  type HandshakeOptions,
  holdCredentials,
  REALTIME_PATH,
  selectProtocol,
} from "./handshake.ts";
import { createHub, type Listener, type NewFrame } from "./hub.ts";
import type { OutgoingFrame } from "./outgoing-frame.ts";
import { createPermissions, type MayListenToTable } from "./permissions.ts";
import { createPresence } from "./presence.ts";
import { createRealtimeOperations, createRealtimeRoutes } from "./routes.ts";
import { createRowChanges } from "./row-changes.ts";
import { type MayReadRow, viewRowChange } from "./row-view.ts";
import { createRuleRoutes } from "./rule-routes.ts";
import { createRealtimeRules } from "./rules.ts";
import { createSequence } from "./sequence.ts";
import { createRealtimeStore } from "./store.ts";
import type { RealtimeTables } from "./tables.ts";
import { readTopic, type Topic, type TopicProject, tableOf } from "./topics.ts";

export interface RealtimeOptions extends HandshakeOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly bus: Bus;
  readonly changes: ChangeFeed;
  /** For whoever manages a project. */
  readonly events: EventLog;
  readonly log: Logger;
  readonly mayListenToTable: MayListenToTable;
  /** Whether a user may see a row of a collection. */
  readonly mayReadRow: MayReadRow;
  readonly call: HostCall;
}

/** Of one message. */
export const MAX_MESSAGE_BYTES = 64 * 1024;
export const MAX_CONNECTIONS_PER_PROJECT = 25_000;
/** Clients ping every 30 seconds. */
const SILENT_AFTER_MS = 90_000;
/** A server that stops takes no longer to note what its clients listened to. */
const REMEMBERING_MS = 5_000;
const PING_AFTER_MS = 40_000;
const SWEEP_MS = 5_000;
const GOING_AWAY = 1001;
const NODE_CHARACTERS = 12;

/**
 * Realtime: channels, rooms, presence and changes of rows over WebSockets. What is published reaches every server's
 * subscribers through the bus; nothing that another server would need is kept here alone.
 */
export function createRealtime(options: RealtimeOptions) {
  const { clock, bus, events, log } = options;
  const store = createRealtimeStore(options.sql.withTables<RealtimeTables>());
  const nextNumber = createSequence(() => clock.now());
  const admit = createHandshake(options);
  const sql = options.sql.withTables<RealtimeTables>();
  const rules = createRealtimeRules({ sql, clock, changes: options.changes });
  const permissions = createPermissions(options.mayListenToTable, rules);
  const node = randomText(NODE_CHARACTERS);
  const streams = new Set<EventStream>();
  let closed = false;

  function view(
    connection: Listener,
    topic: Topic,
    frame: OutgoingFrame,
  ): OutgoingFrame | Promise<OutgoingFrame | null> {
    const table = tableOf(topic);
    const { speaker, project } = connection;
    if (frame.type !== "db_change" || table === null || speaker.access === "secret") return frame;
    return Promise.resolve(permissions.seesAllRows(project.id, topic, speaker)).then((all) =>
      all ? frame : viewRowChange(frame, (row) => options.mayReadRow(project.id, table, row, speaker.user)),
    );
  }

  const hub = createHub<RealtimeConnection>({ events, now: () => clock.now(), view });
  const rowChanges = createRowChanges({
    call: options.call,
    bus,
    clock,
    log,
    isListenedTo: (projectId, table) => hub.isListenedTo(`table/${table}/${projectId}`),
    positionOf: events.positionOf,
    async onChanges({ projectId, source, position, changes, untold }) {
      const timestamp = clock.now();
      const topicOf = (table: string) => `table/${table}/${projectId}`;
      const told = changes.map(({ table, operation, data, old }): NewFrame => {
        const before = old === undefined ? {} : { old };
        return { full: topicOf(table), frame: { type: "db_change", operation, data, ...before, timestamp } };
      });
      const resync = untold.map((table): NewFrame => {
        const data = { reason: "More rows were changed at once than are told one by one; read the table again." };
        return { full: topicOf(table), frame: { type: "event", event: "resync", data, timestamp } };
      });
      await hub.publish([...told, ...resync], { source, position });
    },
  });

  const presence = createPresence({
    bus,
    now: () => clock.now(),
    node,
    announce(full, event, { key, userId, state }) {
      hub.deliver(full, {
        type: "event",
        event,
        data: { id: key, userId, state },
        ...(userId === null ? {} : { userId }),
        timestamp: clock.now(),
      });
    },
  });

  async function publish(message: {
    readonly projectId: string;
    readonly topic: Topic;
    readonly kind: "event" | "chat_message";
    readonly event: string;
    readonly data: unknown;
    readonly userId: string | null;
    readonly persist: boolean;
  }): Promise<void> {
    const { projectId, topic, kind, event, data, userId, persist } = message;
    const timestamp = clock.now();
    if (persist) {
      const kept = { id: messageId(nextNumber()), topic: topic.full, event, data, userId, createdAtMs: timestamp };
      await store.keep(projectId, kept);
    }
    const from = userId === null ? {} : { userId };
    await hub.publish([{ full: topic.full, frame: { type: kind, event, data, ...from, timestamp } }]);
  }

  const frames = createFrameHandler({
    hub,
    presence,
    permissions,
    publish,
    watchTable: rowChanges.watch,
    verifyToken: options.verifyToken,
    onDefect: (err) => log.error({ err }, "a realtime message failed"),
  });

  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handleProtocols: selectProtocol,
  });

  /** A client that returns without asking again gets what it was subscribed to; one that asks gets no more by it. */
  async function restore(connection: RealtimeConnection): Promise<void> {
    const topics = await store.recallTopics(connection.owner, clock.now());
    for (const asked of topics) {
      const topic = readTopic(asked, connection.project);
      if (connection.topics.has(topic.full)) continue;
      await frames.subscribe(connection, topic, null).catch(() => {});
    }
  }

  function open(socket: WebSocket, { project, speaker, owner, credentials, tokenRefused }: Admitted): void {
    const connection = new RealtimeConnection({
      id: createId("con", clock.now()),
      socket,
      project,
      owner,
      speaker,
      credentials,
    });
    hub.add(connection);
    // One after another: a subscription that is still being checked holds back the message behind it.
    let turn: Promise<void> = restore(connection).catch((err: unknown) => {
      log.warn({ err }, "subscriptions were not restored");
    });
    if (tokenRefused) {
      connection.send({ type: "error", code: "AUTH_TOKEN_EXPIRED", message: "The token is not valid any more." });
    }
    socket.on("message", (data: RawData, isBinary: boolean) => {
      if (!connection.mayReceive()) {
        connection.close(TOO_MANY, "too many messages");
        return;
      }
      if (isBinary) {
        connection.send({ type: "error", code: "REQUEST_MALFORMED", message: "Messages are text." });
        return;
      }
      const text = data.toString();
      turn = turn.then(() => frames.receive(connection, text));
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      const topics = [...connection.topics.values()].map(({ shown }) => shown);
      frames.leave(connection);
      hub.remove(connection);
      if (topics.length === 0 || closed) return;
      store.rememberTopics(owner, topics, clock.now()).catch((err: unknown) => {
        log.warn({ err }, "subscriptions were not remembered");
      });
    });
  }

  async function checkCredentials(connection: RealtimeConnection): Promise<void> {
    // Where the database does not answer, nobody is sent away for it.
    const hold = await holdCredentials(options, connection.project.id, connection.credentials).catch(() => true);
    if (!hold) connection.close(NOT_VALID_ANY_MORE, "the credential is not valid any more");
    else await frames.leaveClosedTopics(connection);
  }

  const sweep = setInterval(() => {
    const now = performance.now();
    for (const connection of hub.all()) {
      if (connection.heardAt < now - SILENT_AFTER_MS) connection.close(GOING_AWAY, "silent");
      else {
        if (connection.heardAt < now - PING_AFTER_MS) connection.ping();
        void checkCredentials(connection);
      }
    }
  }, SWEEP_MS);
  sweep.unref();

  function countOf(projectId: string): number {
    let count = hub.count(projectId);
    for (const stream of streams) if (stream.project.id === projectId) count++;
    return count;
  }

  function topicOf(project: TopicProject, asked: string): Topic {
    return readTopic(asked, project);
  }

  return {
    /** True when the upgrade is taken. */
    handleUpgrade(
      req: IncomingMessage,
      socket: Duplex,
      head: Buffer,
      refuse: (error: AerostackError) => void,
    ): boolean {
      const path = (req.url ?? "/").split("?", 1)[0];
      if (path !== REALTIME_PATH) return false;
      admit(req).then(
        (admitted) => {
          if (countOf(admitted.project.id) >= MAX_CONNECTIONS_PER_PROJECT) {
            refuse(tooManyConnections());
            return;
          }
          server.handleUpgrade(req, socket, head, (webSocket) => open(webSocket, admitted));
        },
        (cause: unknown) => {
          refuse(cause instanceof AerostackError ? cause : new AerostackError("INTERNAL_ERROR", { cause }));
        },
      );
      return true;
    },

    /** Takes what the data host tells of committed changes. */
    receiveChanges: rowChanges.receive,

    /** An event of the project's own code. Without a room it goes to `events`. */
    async emit(projectId: string, event: string, data: unknown, room: string | null): Promise<void> {
      const topic = readTopic(room ?? "events", { id: projectId, slug: projectId });
      await permissions.requirePublish(projectId, topic, { access: "secret", user: null });
      await publish({ projectId, topic, kind: "event", event, data, userId: null, persist: false });
    },

    operations: createRealtimeOperations({
      async publish(projectId, { topic: asked, event, data, persist }) {
        const project = await options.findProject(projectId);
        if (project === undefined) throw new AerostackError("NOT_FOUND");
        const topic = topicOf(project, asked);
        await permissions.requirePublish(projectId, topic, { access: "secret", user: null });
        await publish({ projectId, topic, kind: "event", event, data, userId: null, persist });
        return topic.full;
      },
    }),
    routes: [
      ...createRuleRoutes({ rules }),
      ...createRealtimeRoutes({
        findProject: options.findProject,
        verifyToken: options.verifyToken,
        async history(project, speaker, { room, limit, before }) {
          const topic = topicOf(project, room);
          await permissions.requireListen(project.id, topic, speaker);
          return await store.history(project.id, topic.full, limit, before);
        },
        async stream({ project, speaker, token }, asked, request) {
          if (countOf(project.id) >= MAX_CONNECTIONS_PER_PROJECT) throw tooManyConnections();
          const stream = new EventStream({
            project,
            speaker,
            topics: asked.map((topic) => topicOf(project, topic)),
            lastEventId: request.headers.get("last-event-id") ?? new URL(request.url).searchParams.get("lastEventId"),
            signal: request.signal,
            async subscribe(listener, topic, since) {
              await frames.admitToTopic(listener, topic);
              await hub.subscribe(listener, { ...topic, filter: null }, since);
            },
            isStillValid: async () => token === undefined || (await options.verifyToken(project.id, token)) !== null,
            onEnd(ended) {
              streams.delete(ended);
              hub.remove(ended);
            },
          });
          streams.add(stream);
          try {
            await stream.start();
          } catch (error) {
            stream.end();
            throw error;
          }
          return stream.body;
        },
      }),
    ],
    removeExpired: () => store.removeExpired(clock.now()),
    async deleteProject(projectId: string): Promise<void> {
      rowChanges.deleteProject(projectId);
      await rules.delete(projectId);
      await store.deleteProject(projectId);
    },
    connectionCount: countOf,
    /** Tells every client that the server goes away, so that it looks for another, which knows what it listened to. */
    async close(): Promise<void> {
      closed = true;
      clearInterval(sweep);
      const leaving = [...hub.all()].map(({ owner, topics }) => ({
        owner,
        topics: [...topics.values()].map(({ shown }) => shown),
      }));
      for (const connection of hub.all()) connection.close(GOING_AWAY, "the server stops");
      for (const stream of streams) stream.end();
      presence.close();
      rowChanges.close();
      const endAt = performance.now() + REMEMBERING_MS;
      for (const { owner, topics } of leaving) {
        if (topics.length === 0) continue;
        if (performance.now() > endAt) break;
        await store.rememberTopics(owner, topics, clock.now());
      }
    },
  };
}

function tooManyConnections(): AerostackError {
  return new AerostackError("RATE_LIMIT_EXCEEDED", { message: "The project has too many connections." });
}

const SEQ_DIGITS = 11;
const ID_RANDOM_CHARACTERS = 8;

/** Sorts by time, and within a millisecond by the order of the messages. */
function messageId(seq: number): string {
  return `msg_${seq.toString(36).padStart(SEQ_DIGITS, "0")}${randomText(ID_RANDOM_CHARACTERS)}`;
}

export type Realtime = ReturnType<typeof createRealtime>;
