import type { EventLog, Following } from "../kernel/event-log/event-log.ts";
import { type Filter, passesFilter } from "./filter.ts";
import { createFrameEncoder, type OutgoingFrame } from "./outgoing-frame.ts";
import type { Speaker } from "./permissions.ts";
import type { Topic, TopicProject } from "./topics.ts";

/** A topic that somebody listens to. */
export interface Subscription extends Topic {
  readonly filter: Filter | null;
}

/** Where a frame stands in its topic; undefined for what is told and not kept. */
export type Position = readonly [full: string, seq: number] | undefined;

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
  sendInTurn(text: Buffer | null | Promise<Buffer | null>, position: Position): void;
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
    if (!passesFilter(own.filter, frame.data, frame.old)) return;
    const seen = view(listener, own, frame);
    const bytesOf = (one: OutgoingFrame | null): Buffer | null =>
      one === null ? null : one === frame ? encode(own.shown) : createFrameEncoder(one)(own.shown);
    const position = frame.seq === undefined ? undefined : ([own.full, frame.seq] as const);
    listener.sendInTurn(seen instanceof Promise ? seen.then(bytesOf) : bytesOf(seen), position);
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

  /** What came after a number, up to where this server's subscribers are. */
  async function replay(listener: Listener, own: Subscription, state: TopicState, since: number): Promise<void> {
    let seen = since;
    let isFirst = true;
    do {
      const { events: missed, isComplete } = await events.readAfter(own.full, seen);
      if (isFirst) {
        listener.send({ type: "subscribed", topic: own.shown, seq: state.last, resumed: isComplete });
      }
      isFirst = false;
      for (const { seq, payload } of missed) {
        if (seq > state.last) break;
        const frame = toFrame(payload, seq);
        send(listener, own, frame, createFrameEncoder(frame));
        seen = seq;
      }
      if (!isComplete) return;
    } while (seen < state.last && !listener.isOver);
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

    count: (projectId: string): number => projects.get(projectId)?.size ?? 0,

    isListenedTo: (full: string): boolean => topics.has(full),

    /** Everything that is published after it resolves is brought to the listener; with `since`, what came before too. */
    async subscribe(listener: Listener, topic: Subscription, since: number | null): Promise<void> {
      const state = open(topic.full);
      state.pending++;
      try {
        await state.following;
        if (listener.isOver) return;
        const isNew = !state.subscribers.has(listener);
        if (since === null || !isNew) {
          listener.send({ type: "subscribed", topic: topic.shown, seq: state.last });
        } else await replay(listener, topic, state, since);
        if (listener.isOver) return;
        listener.topics.set(topic.full, topic);
        state.subscribers.add(listener);
      } catch (error) {
        state.following = undefined;
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
