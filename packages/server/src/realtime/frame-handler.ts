import { AerostackError, type ClientFrame, clientFrameSchema } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import { tokenRefusal } from "../endusers/sessions/token-refusal.ts";
import type { VerifiedEndUser } from "../endusers/sessions/token-verifier.ts";
import { MAX_SUBSCRIPTIONS, type RealtimeConnection } from "./connection.ts";
import { type Filter, readFilter } from "./filter.ts";
import type { Hub, Listener, Since } from "./hub.ts";
import type { Permissions } from "./permissions.ts";
import type { Presence } from "./presence.ts";
import type { Publish } from "./publisher.ts";
import { readTopic, type Topic, tableOf } from "./topics.ts";

const MAX_STATE_CHARACTERS = 4096;

export interface FrameHandlerOptions {
  readonly hub: Hub<RealtimeConnection>;
  readonly presence: Presence;
  readonly permissions: Permissions;
  readonly publish: Publish;
  /** Changes of the table's rows are told from when it resolves. */
  readonly watchTable: (projectId: string, table: string) => Promise<void>;
  readonly verifyToken: (projectId: string, token: string) => VerifiedEndUser | null | Promise<VerifiedEndUser | null>;
  /** What a connection is subscribed to has changed. */
  readonly onTopics: (connection: RealtimeConnection) => void;
  readonly clock: Clock;
  readonly onDefect: (error: unknown) => void;
}

/** Does what a client's frame asks for; what is refused is told with the frame's topic and id. */
export function createFrameHandler({
  hub,
  presence,
  permissions,
  publish,
  watchTable,
  verifyToken,
  clock,
  onTopics,
  onDefect,
}: FrameHandlerOptions) {
  function memberKey(connection: RealtimeConnection): string {
    // Without a proven name, the one that the client gives tells its own connections apart from others', no more.
    return connection.userId ?? (connection.owner.userId === null ? connection.id : `~${connection.owner.userId}`);
  }

  function untrack(connection: RealtimeConnection, full: string): void {
    if (connection.present.delete(full)) presence.untrack(full, connection.id, memberKey(connection));
  }

  /** May it listen, and is there something to hear from then on. */
  async function admitToTopic({ project, speaker }: Listener, topic: Topic): Promise<void> {
    await permissions.requireListen(project.id, topic, speaker);
    const table = tableOf(topic);
    if (table !== null) await watchTable(project.id, table);
  }

  async function subscribe(
    connection: RealtimeConnection,
    topic: Topic,
    since: Since | null,
    filter: Filter | null,
  ): Promise<void> {
    const isNew = !connection.topics.has(topic.full);
    if (isNew && connection.topics.size >= MAX_SUBSCRIPTIONS) {
      throw new AerostackError("RATE_LIMIT_EXCEEDED", {
        message: `A connection has at most ${MAX_SUBSCRIPTIONS} topics.`,
      });
    }
    await admitToTopic(connection, topic);
    if (connection.isOver) return;
    await hub.subscribe(connection, { ...topic, filter }, since);
    onTopics(connection);
    const members = presence.members(topic.full);
    if (isNew && members.length > 0) {
      connection.send({
        type: "event",
        topic: topic.shown,
        event: "presence:state",
        data: { members: members.map(({ key, userId, state }) => ({ id: key, userId, state })) },
      });
    }
  }

  async function handle(connection: RealtimeConnection, frame: ClientFrame): Promise<void> {
    const { project } = connection;
    switch (frame.type) {
      case "ping":
        connection.send({ type: "pong" });
        return;
      case "subscribe":
        await subscribe(connection, readTopic(frame.topic, project), frame.since ?? null, readFilter(frame.filter));
        return;
      case "unsubscribe": {
        const { full, shown } = readTopic(frame.topic, project);
        untrack(connection, full);
        hub.unsubscribe(connection, full);
        onTopics(connection);
        connection.send({ type: "unsubscribed", topic: shown });
        return;
      }
      case "publish": {
        const topic = readTopic(frame.topic, project);
        await permissions.requirePublish(project.id, topic, connection.speaker);
        await publish({
          projectId: project.id,
          topic,
          kind: "event",
          event: frame.event,
          data: frame.data ?? null,
          userId: connection.userId,
          persist: frame.persist === true,
        });
        if (frame.id !== undefined && frame.id !== null) connection.send({ type: "ack", id: frame.id });
        return;
      }
      case "chat": {
        const topic = readTopic(`chat/${frame.roomId}`, project);
        await permissions.requirePublish(project.id, topic, connection.speaker);
        const data = { text: frame.text, metadata: frame.metadata ?? {}, userId: connection.userId };
        const message = { projectId: project.id, topic, kind: "chat_message", event: "message", data } as const;
        await publish({ ...message, userId: connection.userId, persist: true });
        return;
      }
      case "track": {
        const topic = readTopic(frame.topic, project);
        await permissions.requireListen(project.id, topic, connection.speaker);
        const state = frame.state ?? {};
        if (JSON.stringify(state).length > MAX_STATE_CHARACTERS) {
          throw new AerostackError("VALUE_TOO_LARGE", {
            message: `A state has at most ${MAX_STATE_CHARACTERS} characters.`,
          });
        }
        if (!connection.present.has(topic.full) && connection.present.size >= MAX_SUBSCRIPTIONS) {
          throw new AerostackError("RATE_LIMIT_EXCEEDED", {
            message: `One is present in at most ${MAX_SUBSCRIPTIONS} topics.`,
          });
        }
        connection.present.add(topic.full);
        presence.track(topic.full, connection.id, { key: memberKey(connection), userId: connection.userId, state });
        return;
      }
      case "untrack":
        untrack(connection, readTopic(frame.topic, project).full);
        return;
      case "auth": {
        const user = await verifyToken(project.id, frame.token);
        if (user === null) throw tokenRefusal(frame.token, clock.now());
        connection.speaker = { ...connection.speaker, user };
        connection.credentials = { ...connection.credentials, token: frame.token };
        connection.send({ type: "authenticated", userId: user.userId });
        return;
      }
    }
  }

  function refuse(connection: RealtimeConnection, cause: unknown, facts: { topic?: string; id?: string }): void {
    const error = cause instanceof AerostackError ? cause : new AerostackError("INTERNAL_ERROR", { cause });
    if (!(cause instanceof AerostackError)) onDefect(cause);
    connection.send({ type: "error", code: error.code, message: error.message, fix: error.fix, ...facts });
  }

  /** Rules change, and users come and go: what may not be listened to any more is not. */
  async function leaveClosedTopics(connection: RealtimeConnection): Promise<void> {
    if (connection.speaker.access === "secret") return;
    for (const topic of [...connection.topics.values()]) {
      try {
        await permissions.requireListen(connection.project.id, topic, connection.speaker);
      } catch (error) {
        if (!(error instanceof AerostackError) || error.code !== "FORBIDDEN") continue;
        untrack(connection, topic.full);
        hub.unsubscribe(connection, topic.full);
        onTopics(connection);
        refuse(connection, error, { topic: topic.shown });
      }
    }
  }

  return {
    subscribe,
    leaveClosedTopics,
    admitToTopic,

    /** Takes one message of the client, in whatever form it comes. */
    async receive(connection: RealtimeConnection, text: string): Promise<void> {
      let json: unknown;
      try {
        json = JSON.parse(text);
      } catch {
        refuse(connection, new AerostackError("REQUEST_MALFORMED", { message: "A message is one JSON object." }), {});
        return;
      }
      const parsed = clientFrameSchema.safeParse(json);
      const { topic, id } = (typeof json === "object" && json !== null ? json : {}) as {
        topic?: unknown;
        id?: unknown;
      };
      const facts = {
        ...(typeof topic === "string" ? { topic } : {}),
        ...(typeof id === "string" ? { id } : {}),
      };
      if (!parsed.success) {
        const [issue] = parsed.error.issues;
        const message = `The message is not valid: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`.trim();
        refuse(connection, new AerostackError("VALIDATION_ERROR", { message }), facts);
        return;
      }
      await handle(connection, parsed.data).catch((error: unknown) => refuse(connection, error, facts));
    },

    /** The client is gone, and with it its place among those present. */
    leave(connection: RealtimeConnection): void {
      for (const full of [...connection.present]) untrack(connection, full);
    },
  };
}

export type FrameHandler = ReturnType<typeof createFrameHandler>;
