import type { Clock } from "@aerostack/kernel";
import type { Logger } from "../kernel/log.ts";
import type { RealtimeConnection } from "./connection.ts";
import type { Since } from "./hub.ts";
import { type FoundSession, SESSION_MS, type Session, type SessionStore, sessionIdOf } from "./session-store.ts";

export interface SessionsOptions {
  readonly store: SessionStore;
  readonly clock: Clock;
  /** Names this server among others. */
  readonly node: string;
  /** One server alone: every other that left something behind is dead. */
  readonly isAlone: boolean;
  readonly log: Pick<Logger, "warn">;
  /** Subscribes a client that came back to what it had. */
  readonly restore: (connection: RealtimeConnection, topics: readonly RestoredTopic[]) => Promise<void>;
}

export interface RestoredTopic extends Pick<Session["topics"][number], "topic" | "filter"> {
  readonly since: Since;
}

/** Subscriptions are written this long after they change, many together. */
const WRITE_AFTER_MS = 1_000;
const BEAT_MS = 2_000;
/** A server that says nothing for so long is dead. */
export const NODE_LOST_AFTER_MS = 7_000;
/** What a dead server had handed out by its last sign of life is not certain to the millisecond. */
const MARGIN_MS = 1_000;
/** A client that came before its old server was known to be dead gets its topics within this time, or not at all. */
const WAITING_MS = SESSION_MS;
/** A server that stops takes no longer to note what its clients listened to. */
const ENDING_MS = 5_000;

/**
 * What clients are subscribed to, for those that come back without asking again: to this server, or to another when this
 * one was killed. Written a moment after it changes, for many clients together; a server that has clients says every two
 * seconds that it lives. How far each client is with its topics is noted when it goes; where its server was killed, by the
 * server's last sign of life, so that events of its last seconds may come twice, under the same numbers.
 */
export function createSessions({ store, clock, node, isAlone, log, restore }: SessionsOptions) {
  /** Those with topics, by session. */
  const live = new Map<string, Set<RealtimeConnection>>();
  const changed = new Set<RealtimeConnection>();
  /** Ended and not written yet. */
  const ended = new Map<string, Session>();
  /** Those whose session another connection still holds, and until when they wait for it. */
  const waiting = new Map<RealtimeConnection, number>();
  let writing: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let beatenAtMs = Number.NEGATIVE_INFINITY;
  let isEnding = false;

  function describe(connection: RealtimeConnection, id: string, isOpen: boolean): Session {
    const isAllSent = connection.unsentBytes === 0;
    return {
      id,
      projectId: connection.project.id,
      topics: [...connection.topics.values()].map(({ shown, filter, lastSeq }) => ({
        topic: shown,
        filter,
        seq: lastSeq,
      })),
      node: isOpen ? node : null,
      handedUntilMs: isOpen || isAllSent ? null : connection.drainedAtMs,
      expiresAtMs: clock.now() + SESSION_MS,
    };
  }

  async function beat(): Promise<void> {
    const now = clock.now();
    if (now - beatenAtMs < BEAT_MS) return;
    beatenAtMs = now;
    await store.seeNode(node, now);
  }

  async function writeAll(isTooLate?: () => boolean): Promise<void> {
    const sessions = new Map<string, Session>();
    for (const connection of changed) {
      if (connection.isOver) continue;
      const id = sessionIdOf(connection.owner);
      sessions.set(id, describe(connection, id, true));
    }
    changed.clear();
    for (const [id, session] of ended) if (!live.has(id)) sessions.set(id, session);
    const written = [...ended];
    if (sessions.size > 0) {
      await beat();
      await store.put([...sessions.values()], isTooLate);
    }
    for (const [id, session] of written) if (ended.get(id) === session) ended.delete(id);
  }

  /** In turn: each writes what there is then. */
  function flush(isTooLate?: () => boolean): Promise<void> {
    writing = writing
      .then(() => writeAll(isTooLate))
      .catch((err: unknown) => {
        log.warn({ err }, "subscriptions were not remembered");
      });
    return writing;
  }

  function flushAfter(ms: number): void {
    if (isEnding || (ms > 0 && timer !== undefined)) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = undefined;
      void flush();
    }, ms);
    timer.unref();
  }

  /** From where a session goes on; `wait` while its connection is held; undefined where it is over. */
  function resume(session: FoundSession, now: number): ((seq: number) => Since) | "wait" | undefined {
    const { handedUntilMs, nodeSeenAtMs: seenAtMs } = session;
    if (session.node === null) {
      if (session.expiresAtMs <= now) return undefined;
      return handedUntilMs === null ? (seq) => seq : () => ({ afterMs: handedUntilMs });
    }
    if (session.node === node) return "wait";
    if (seenAtMs === null || seenAtMs <= now - SESSION_MS) return undefined;
    return isAlone || seenAtMs <= now - NODE_LOST_AFTER_MS ? () => ({ afterMs: seenAtMs - MARGIN_MS }) : "wait";
  }

  async function take(connection: RealtimeConnection, session: FoundSession | undefined): Promise<void> {
    const sinceOf = session === undefined ? undefined : resume(session, clock.now());
    if (sinceOf === "wait") {
      if (!waiting.has(connection)) waiting.set(connection, clock.now() + WAITING_MS);
      return;
    }
    waiting.delete(connection);
    if (session === undefined || sinceOf === undefined || session.topics.length === 0) return;
    await restore(
      connection,
      session.topics.map(({ topic, filter, seq }) => ({ topic, filter, since: sinceOf(seq) })),
    );
  }

  async function find(ids: readonly string[]): Promise<Map<string, FoundSession>> {
    const found = await store.find(ids);
    for (const id of ids) {
      const session = ended.get(id);
      if (session !== undefined) found.set(id, { ...session, nodeSeenAtMs: null });
    }
    return found;
  }

  /** Those that wait look again whether their session is free by now. */
  async function lookAgain(): Promise<void> {
    const now = clock.now();
    for (const [connection, untilMs] of waiting) {
      if (untilMs <= now || connection.isOver || connection.topics.size > 0) waiting.delete(connection);
    }
    if (waiting.size === 0) return;
    const connections = [...waiting.keys()];
    const found = await find([...new Set(connections.map(({ owner }) => sessionIdOf(owner)))]);
    for (const connection of connections) await take(connection, found.get(sessionIdOf(connection.owner)));
  }

  /** Says that this server lives, and looks for what others left behind. */
  async function tick(): Promise<void> {
    for (const connections of live.values()) {
      for (const connection of connections) if (connection.unsentBytes === 0) connection.drainedAtMs = clock.now();
    }
    try {
      if (live.size > 0) await beat();
      await lookAgain();
    } catch (err) {
      log.warn({ err }, "subscriptions of lost servers were not looked for");
    }
  }
  const ticking = setInterval(() => void tick(), BEAT_MS);
  ticking.unref();

  return {
    /** Gives a client back what it had. */
    async open(connection: RealtimeConnection): Promise<void> {
      const id = sessionIdOf(connection.owner);
      await take(connection, (await find([id])).get(id));
    },

    /** After a client's topics have changed. */
    changed(connection: RealtimeConnection): void {
      const id = sessionIdOf(connection.owner);
      live.set(id, (live.get(id) ?? new Set()).add(connection));
      changed.add(connection);
      flushAfter(WRITE_AFTER_MS);
    },

    /** Before its topics are forgotten. */
    close(connection: RealtimeConnection): void {
      waiting.delete(connection);
      changed.delete(connection);
      const id = sessionIdOf(connection.owner);
      const connections = live.get(id);
      if (connections?.delete(connection) !== true || isEnding) return;
      const [other] = connections;
      if (other !== undefined) {
        changed.add(other);
        flushAfter(WRITE_AFTER_MS);
        return;
      }
      live.delete(id);
      ended.set(id, describe(connection, id, false));
      flushAfter(0);
    },

    /** Notes what all clients are subscribed to, as far as there is time; the server stops. */
    async end(): Promise<void> {
      isEnding = true;
      clearInterval(ticking);
      clearTimeout(timer);
      for (const [id, connections] of live) {
        const [connection] = connections;
        if (connection !== undefined) ended.set(id, describe(connection, id, false));
      }
      live.clear();
      changed.clear();
      const endAt = performance.now() + ENDING_MS;
      await flush(() => performance.now() > endAt);
    },

    /** What a timer does every two seconds, and a test when it likes. */
    tick,
    flush: () => flush(),
  };
}

export type Sessions = ReturnType<typeof createSessions>;
