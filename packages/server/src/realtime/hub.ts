import type { EventLog, Following } from "../kernel/event-log/event-log.ts";
import { type Filter, passesFilter } from "./filter.ts";
import { createFrameEncoder, type OutgoingFrame } from "./outgoing-frame.ts";
import type { Speaker } from "./permissions.ts";
import type { Topic, TopicProject } from "./topics.ts";

/** A topic that somebody listens to. */
export interface Subscription extends Topic {
  readonly filter: Filter | null;
  /** The number of the last event that was handed to the listener; what came before it began to listen counts as handed. */
  lastSeq: number;
}

/** Where somebody goes on: behind an event, or behind a time in Unix milliseconds, where no number is known. */
export type Since = number | { readonly afterMs: number };

/** Somebody who listens, over whatever connection. */
export interface Listener {
  readonly project: TopicProject;
  readonly speaker: Speaker;
  /** By full topic. */
  readonly topics: Map<string, Subscription>;
  /** It has gone, or is going. */
  readonly isOver: boolean;
  send(frame: object): void;
  /** In order, though it takes a moment to know what is to be sent; null: nothing. */
  sendInTurn(text: Buffer | null | Promise<Buffer | null>, own: Subscription, seq: number | undefined): void;
}

/** A frame as a subscriber may see it, or null; rows are asked for one by one. */
export type ViewFrame = (
  listener: Listener,
  topic: Topic,
  frame: OutgoingFrame,
) => OutgoingFrame | null | Promise<OutgoingFrame | null>;

/** A frame for a topic, before it has its number. */
export interface NewFrame {
  readonly full: string;
  readonly frame: Omit<OutgoingFrame, "seq">;
}

export interface HubOptions {
  readonly events: EventLog;
  readonly now: () => number;
  readonly view: ViewFrame;
}

interface TopicState {
  readonly subscribers: Set<Listener>;
  following: Promise<Following> | undefined;
  /** The number of the last event that subscribers were given. */
  last: number;
  /** Those that are about to listen. */
  pending: number;
}

const RESYNC = "Something may have been missed; read the current state again.";

/** Brings frames to the connections of this server that listen to their topics; other servers do the same with theirs. */
export function createHub<Connection extends Listener>({ events, now, view }: HubOptions) {
  const projects = new Map<string, Set<Connection>>();
  const topics = new Map<string, TopicState>();

  /** To this server's subscribers alone. */
  function deliver(full: string, frame: OutgoingFrame): void {
    const state = topics.get(full);
    if (state === undefined || state.subscribers.size === 0) return;
    const encode = createFrameEncoder(frame);
    for (const listener of state.subscribers) {
      const own = listener.topics.get(full);
      if (own !== undefined) send(listener, own, frame, encode);
    }
  }

  function send(listener: Listener, own: Subscription, frame: OutgoingFrame, encode: (topic: string) => Buffer): void {
    if (!passesFilter(own.filter, frame)) return;
    const seen = view(listener, own, frame);
    const bytesOf = (one: OutgoingFrame | null): Buffer | null =>
      one === null ? null : one === frame ? encode(own.shown) : createFrameEncoder(one)(own.shown);
    listener.sendInTurn(seen instanceof Promise ? seen.then(bytesOf) : bytesOf(seen), own, frame.seq);
  }

  async function follow(full: string, state: TopicState): Promise<Following> {
    const following = await events.follow(full, {
      onEvent(seq, payload) {
        if (seq !== null) state.last = seq;
        deliver(full, toFrame(payload, seq));
      },
      onGap() {
        deliver(full, { type: "event", event: "resync", data: { reason: RESYNC }, timestamp: now() });
      },
    });
    state.last = Math.max(state.last, following.seq);
    return following;
  }

  function open(full: string): TopicState {
    let state = topics.get(full);
    if (state === undefined) {
      state = { subscribers: new Set(), following: undefined, last: 0, pending: 0 };
      topics.set(full, state);
    }
    state.following ??= follow(full, state);
    return state;
  }

  function closeIfUnused(full: string, state: TopicState): void {
    if (state.subscribers.size > 0 || state.pending > 0 || topics.get(full) !== state) return;
    topics.delete(full);
    state.following?.then(
      (following) => following.stop(),
      () => {},
    );
  }

  /** What came after a number or a time, up to where this server's subscribers are; there the listener joins them. */
  async function replay(listener: Listener, own: Subscription, state: TopicState, since: Since): Promise<void> {
    const afterMs = typeof since === "number" ? Number.NEGATIVE_INFINITY : since.afterMs;
    let seen = typeof since === "number" ? since : 0;
    for (let isFirst = true; ; isFirst = false) {
      const { events: missed, isComplete } = await events.readAfter(own.full, seen);
      const frames = missed.map(({ seq, payload }) => ({ seq, frame: toFrame(payload, seq) }));
      if (isFirst) {
        // By time, all of it is there where something older is.
        const isAll = isComplete || (frames[0] !== undefined && frames[0].frame.timestamp <= afterMs);
        listener.send({ type: "subscribed", topic: own.shown, seq: state.last, resumed: isAll });
      }
      for (const { seq, frame } of frames) {
        if (seq > state.last) break;
        seen = seq;
        if (frame.timestamp > afterMs) send(listener, own, frame, createFrameEncoder(frame));
      }
      // What is not complete has no number to begin with; from the first that is known on, it is.
      const canGoOn = isComplete || frames.length > 0;
      if (canGoOn && seen < state.last && !listener.isOver) continue;
      join(listener, own, state);
      return;
    }
  }

  function join(listener: Listener, own: Subscription, state: TopicState): void {
    if (!listener.isOver && listener.topics.get(own.full) === own) state.subscribers.add(listener);
  }

  function unsubscribe(listener: Listener, full: string): void {
    listener.topics.delete(full);
    const state = topics.get(full);
    if (state === undefined) return;
    state.subscribers.delete(listener);
    closeIfUnused(full, state);
  }

  return {
    /** Tells what is not kept, in its order among the topic's events, to the subscribers of this server. */
    deliver,

    /** To the subscribers of all servers; resolves once it is kept. */
    async publish(frames: readonly NewFrame[], from?: { readonly source: string; readonly position: number }) {
      const list = frames.map(({ full, frame }) => ({ topic: full, payload: JSON.stringify(frame) }));
      return await events.append(list, from);
    },

    add(connection: Connection): void {
      const id = connection.project.id;
      projects.set(id, (projects.get(id) ?? new Set()).add(connection));
    },

    isListenedTo: (full: string): boolean => topics.has(full),

    /** Everything that is published after it resolves is brought to the listener; with `since`, what came before too. */
    async subscribe(listener: Listener, topic: Omit<Subscription, "lastSeq">, since: Since | null): Promise<void> {
      const state = open(topic.full);
      state.pending++;
      try {
        await state.following;
        if (listener.isOver) return;
        const before = listener.topics.get(topic.full);
        const lastSeq = typeof since === "number" ? since : (before?.lastSeq ?? state.last);
        const own: Subscription = { ...topic, lastSeq };
        listener.topics.set(topic.full, own);
        if (since === null) {
          listener.send({ type: "subscribed", topic: topic.shown, seq: state.last });
          join(listener, own, state);
        } else {
          // Who listens already and asks for what was before gets it before what is new.
          state.subscribers.delete(listener);
          await replay(listener, own, state, since);
        }
      } catch (error) {
        state.following = undefined;
        listener.topics.delete(topic.full);
        throw error;
      } finally {
        state.pending--;
        closeIfUnused(topic.full, state);
      }
    },

    unsubscribe,

    remove(listener: Listener): void {
      for (const full of [...listener.topics.keys()]) unsubscribe(listener, full);
      const { id } = listener.project;
      const connections = projects.get(id);
      connections?.delete(listener as Connection);
      if (connections?.size === 0) projects.delete(id);
    },

    projectIds: (): Iterable<string> => projects.keys(),

    /** A project's, the oldest first. */
    of: (projectId: string): Iterable<Connection> => projects.get(projectId) ?? [],

    *all(): Generator<Connection> {
      for (const connections of projects.values()) yield* connections;
    },
  };
}

function toFrame(payload: string, seq: number | null): OutgoingFrame {
  const frame = JSON.parse(payload) as Omit<OutgoingFrame, "seq">;
  return seq === null ? frame : { ...frame, seq };
}

export type Hub<Connection extends Listener = Listener> = ReturnType<typeof createHub<Connection>>;
