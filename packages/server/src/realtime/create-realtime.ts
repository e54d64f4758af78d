import { AerostackError, PLANS, type Plan } from "@aerostack/contracts";
import { type Clock, randomText } from "@aerostack/kernel";
import type { Audit } from "../audit/record.ts";
import type { Bus } from "../kernel/bus/bus.ts";
import type { ChangeFeed } from "../kernel/change-feed/change-feed.ts";
import type { EventLog } from "../kernel/event-log/event-log.ts";
import type { HostCall } from "../kernel/host-call.ts";
import type { ShareCounts } from "../kernel/limiter/rate-window.ts";
import type { Logger } from "../kernel/log.ts";
import type { Slots } from "../kernel/slots/slots.ts";
import type { Sql } from "../kernel/sql/index.ts";
import { type RealtimeConnection, TOO_MANY } from "./connection.ts";
import { EventStream } from "./event-stream.ts";
import { createFrameHandler } from "./frame-handler.ts";
import type { HandshakeOptions } from "./handshake.ts";
import { createHub, type Listener, type NewFrame } from "./hub.ts";
import { createMessageQuota } from "./message-quota.ts";
import type { OutgoingFrame } from "./outgoing-frame.ts";
import { createPermissions, type MayListenToTable } from "./permissions.ts";
import { createPlanShrinks } from "./plan-shrinks.ts";
import { createPresence } from "./presence.ts";
import { createPublisher } from "./publisher.ts";
import { createRoomQuota } from "./room-quota.ts";
import { createRealtimeOperations, createRealtimeRoutes } from "./routes.ts";
import { createRowChanges } from "./row-changes.ts";
import { type MayReadRow, viewRowChange } from "./row-view.ts";
import { createRuleRoutes } from "./rule-routes.ts";
import { createRealtimeRules } from "./rules.ts";
import { createSessionStore } from "./session-store.ts";
import { createSessions, type RestoredTopic } from "./sessions.ts";
import { createSockets, slotOf, tooManyConnections } from "./sockets.ts";
import { createRealtimeStore } from "./store.ts";
import type { RealtimeTables } from "./tables.ts";
import { readTopic, type Topic, type TopicProject, tableOf } from "./topics.ts";
import { createUsageRoutes } from "./usage-routes.ts";

export interface RealtimeOptions extends HandshakeOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly bus: Bus;
  readonly audit: Audit;
  readonly changes: ChangeFeed;
  readonly events: EventLog;
  /** Counts connections over all servers. */
  readonly slots: Slots;
  /** Undefined where one server counts alone. */
  readonly shareCounts: ShareCounts | undefined;
  readonly planOf: (projectId: string) => Plan | Promise<Plan>;
  readonly log: Logger;
  readonly mayListenToTable: MayListenToTable;
  /** Whether a user may see a row of a collection. */
  readonly mayReadRow: MayReadRow;
  readonly call: HostCall;
}

const NODE_CHARACTERS = 12;
/** What was counted ahead and not used for so long, and once more, goes back. */
const GIVE_BACK_MS = 5_000;
const SHRINK_MS = 5_000;
const DAY_MS = 24 * 60 * 60_000;
const LEAST_HISTORY_DAYS = Math.min(...Object.values(PLANS).map(({ realtime }) => realtime.historyDays));

/**
 * Realtime: channels, rooms, presence and changes of rows over WebSockets. What is published reaches every server's
 * subscribers through the bus; nothing that another server would need is kept here alone.
 */
export function createRealtime(options: RealtimeOptions) {
  const { clock, bus, events, slots, planOf, log } = options;
  const sql = options.sql.withTables<RealtimeTables>();
  const store = createRealtimeStore(sql);
  const sessionStore = createSessionStore(sql);
  const rules = createRealtimeRules({ sql, clock, changes: options.changes, audit: options.audit });
  const permissions = createPermissions(options.mayListenToTable, rules);
  const node = randomText(NODE_CHARACTERS);
  const streams = new Set<EventStream>();

  function view(
    connection: Listener,
    topic: Topic,
    frame: OutgoingFrame,
  ): OutgoingFrame | Promise<OutgoingFrame | null> {
    const table = tableOf(topic);
    const { speaker, project } = connection;
    if (frame.type !== "db_change" || table === null || speaker.access === "secret") return frame;
    return Promise.resolve(permissions.seesAllRows(project.id, topic, speaker)).then((all) =>
      all
        ? frame
        : viewRowChange(frame, (row) =>
            options.mayReadRow(project.id, { table, row, unknown: frame.truncated ?? [] }, speaker.user),
          ),
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
      const told = changes.map(
        ({ table, ...change }): NewFrame => ({
          full: topicOf(table),
          frame: { type: "db_change", ...change, timestamp },
        }),
      );
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

  const quota = createMessageQuota({ sql, clock });
  const rooms = createRoomQuota({ sql, clock });
  const givingBack = setInterval(() => {
    quota.giveBackUnused().catch((err: unknown) => log.warn({ err }, "messages that were counted ahead stay counted"));
  }, GIVE_BACK_MS);
  givingBack.unref();

  const publish = createPublisher({
    hub,
    store,
    quota,
    rooms,
    clock,
    planOf,
    share: options.shareCounts,
    onError: (err) => log.warn({ err }, "counts of published events were not shared"),
  });

  const frames = createFrameHandler({
    hub,
    presence,
    permissions,
    publish,
    watchTable: rowChanges.watch,
    verifyToken: options.verifyToken,
    clock,
    onTopics: (connection) => sessions.changed(connection),
    onDefect: (err) => log.error({ err }, "a realtime message failed"),
  });

  const sessions = createSessions({
    store: sessionStore,
    clock,
    node,
    isAlone: options.shareCounts === undefined,
    log,
    restore,
  });
  /** A client that returns without asking again gets what it was subscribed to; one that asks gets no more by it. */
  async function restore(connection: RealtimeConnection, topics: readonly RestoredTopic[]): Promise<void> {
    for (const { topic: asked, filter, since } of topics) {
      const topic = readTopic(asked, connection.project);
      if (connection.topics.has(topic.full)) continue;
      await frames.subscribe(connection, topic, since, filter).catch(() => {});
    }
  }
  const sockets = createSockets({ handshake: options, hub, frames, sessions, slots, planOf, clock, log });
  const shrinks = createPlanShrinks({
    slots,
    slotOf,
    planOf,
    *projectIds() {
      for (const stream of streams) yield stream.project.id;
      yield* hub.projectIds();
    },
    endNewest(projectId, count) {
      const ends = [...streams].filter(({ project }) => project.id === projectId).map((stream) => () => stream.end());
      for (const connection of hub.of(projectId)) {
        ends.push(() => connection.close(TOO_MANY, "the project's plan allows fewer connections"));
      }
      for (const end of ends.slice(-count)) end();
    },
  });
  const shrinking = setInterval(() => {
    shrinks.checkAll().catch((err: unknown) => log.warn({ err }, "connections beyond a smaller plan stay open"));
  }, SHRINK_MS);
  shrinking.unref();

  function topicOf(project: TopicProject, asked: string): Topic {
    return readTopic(asked, project);
  }

  return {
    handleUpgrade: sockets.handleUpgrade,

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
      ...createUsageRoutes({
        usageOf: quota.usage,
        roomsOf: rooms.count,
        limitsOf: async (projectId) => (await planOf(projectId)).realtime,
      }),
      ...createRealtimeRoutes({
        findProject: options.findProject,
        verifyToken: options.verifyToken,
        clock,
        async history(project, speaker, { room, limit, before }) {
          const topic = topicOf(project, room);
          await permissions.requireListen(project.id, topic, speaker);
          const { historyDays } = (await planOf(project.id)).realtime;
          const notBeforeMs = clock.now() - historyDays * DAY_MS;
          return await store.history({ projectId: project.id, topic: topic.full, notBeforeMs }, limit, before);
        },
        async stream({ project, speaker, token }, asked, request) {
          const topics = asked.map((topic) => topicOf(project, topic));
          const { realtime } = await planOf(project.id);
          const slot = slotOf(project.id);
          if (!(await slots.take(slot, realtime.connections))) throw tooManyConnections(realtime);
          const stream = new EventStream({
            project,
            speaker,
            topics,
            lastEventId: request.headers.get("last-event-id") ?? new URL(request.url).searchParams.get("lastEventId"),
            signal: request.signal,
            async subscribe(listener, topic, since) {
              await frames.admitToTopic(listener, topic);
              await hub.subscribe(listener, { ...topic, filter: null }, since);
            },
            isStillValid: async () => token === undefined || (await options.verifyToken(project.id, token)) !== null,
            onEnd(ended) {
              streams.delete(ended);
              slots.release(slot);
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
    async removeExpired(): Promise<void> {
      await sessionStore.removeExpired(clock.now());
      await store.removeExpired(clock.now(), {
        leastDays: LEAST_HISTORY_DAYS,
        daysOf: async (projectId) => (await planOf(projectId)).realtime.historyDays,
      });
      await rooms.removeEmpty();
    },
    async deleteProject(projectId: string): Promise<void> {
      rowChanges.deleteProject(projectId);
      await rules.delete(projectId);
      await quota.deleteProject(projectId);
      await rooms.deleteProject(projectId);
      await store.deleteProject(projectId);
      await sessionStore.deleteProject(projectId);
    },
    async close(): Promise<void> {
      // What clients have is noted as it is before they are told to go.
      const ending = sessions.end();
      sockets.close();
      for (const stream of streams) stream.end();
      presence.close();
      rowChanges.close();
      clearInterval(givingBack);
      clearInterval(shrinking);
      await ending;
      await quota.giveBackUnused({ all: true });
    },
  };
}

export type Realtime = ReturnType<typeof createRealtime>;
