import type { Bus } from "../kernel/bus/bus.ts";
import type { RealtimeConnection, Subscription } from "./connection.ts";
import { passesFilter } from "./filter.ts";
import { createFrameEncoder, type OutgoingFrame } from "./outgoing-frame.ts";
import { createReplayLog } from "./replay-log.ts";
import type { Topic } from "./topics.ts";

/** A frame on its way to all servers. */
interface HubMessage {
  readonly topic: string;
  readonly frame: OutgoingFrame;
}

/** A frame as a subscriber may see it, or null; rows are asked for one by one. */
export type ViewFrame = (
  connection: RealtimeConnection,
  topic: Topic,
  frame: OutgoingFrame,
) => OutgoingFrame | null | Promise<OutgoingFrame | null>;

export interface HubOptions {
  readonly bus: Bus;
  readonly now: () => number;
  readonly view: ViewFrame;
}

const busTopic = (projectId: string): string => `realtime:${projectId}`;

interface ProjectState {
  readonly connections: Set<RealtimeConnection>;
  readonly subscribers: Map<string, Set<RealtimeConnection>>;
  readonly stop: () => void;
}

/** Brings frames to the connections of this server that listen to their topics; other servers do the same with theirs. */
export function createHub({ bus, now, view }: HubOptions) {
  const projects = new Map<string, ProjectState>();
  const replay = createReplayLog();

  /** To this server's subscribers alone. */
  function deliver(projectId: string, topic: string, frame: OutgoingFrame): void {
    const subscribers = projects.get(projectId)?.subscribers.get(topic);
    if (subscribers === undefined) return;
    const encode = createFrameEncoder(frame);
    for (const connection of subscribers) {
      const own = connection.topics.get(topic);
      if (own !== undefined) send(connection, own, frame, encode);
    }
  }

  function send(
    connection: RealtimeConnection,
    own: Subscription,
    frame: OutgoingFrame,
    encode: (topic: string) => Buffer,
  ): void {
    if (!passesFilter(own.filter, frame.data, frame.old)) return;
    const seen = view(connection, own, frame);
    const bytesOf = (one: OutgoingFrame | null): Buffer | null =>
      one === null ? null : one === frame ? encode(own.shown) : createFrameEncoder(one)(own.shown);
    connection.sendInTurn(seen instanceof Promise ? seen.then(bytesOf) : bytesOf(seen));
  }

  function stateOf(projectId: string): ProjectState {
    let state = projects.get(projectId);
    if (state === undefined) {
      const stop = bus.subscribe(busTopic(projectId), (message) => {
        const { topic, frame } = message as HubMessage;
        replay.add(topic, frame);
        deliver(projectId, topic, frame);
      });
      state = { connections: new Set(), subscribers: new Map(), stop };
      projects.set(projectId, state);
    }
    return state;
  }

  return {
    deliver,

    /** To the subscribers of all servers. */
    publish(projectId: string, topic: string, frame: OutgoingFrame): void {
      bus.publish(busTopic(projectId), { topic, frame } satisfies HubMessage);
    },

    add(connection: RealtimeConnection): void {
      stateOf(connection.project.id).connections.add(connection);
    },

    count: (projectId: string): number => projects.get(projectId)?.connections.size ?? 0,

    isListenedTo: (projectId: string, full: string): boolean => projects.get(projectId)?.subscribers.has(full) === true,

    subscribe(connection: RealtimeConnection, topic: Subscription, since: number | null): void {
      const { subscribers } = stateOf(connection.project.id);
      const set = subscribers.get(topic.full) ?? new Set();
      subscribers.set(topic.full, set.add(connection));
      connection.topics.set(topic.full, topic);
      connection.send({ type: "subscribed", topic: topic.shown });
      if (since === null) return;
      for (const frame of replay.after(topic.full, since, now())) {
        send(connection, topic, frame, createFrameEncoder(frame));
      }
    },

    unsubscribe(connection: RealtimeConnection, full: string): void {
      connection.topics.delete(full);
      const subscribers = projects.get(connection.project.id)?.subscribers;
      const set = subscribers?.get(full);
      set?.delete(connection);
      if (set?.size === 0) subscribers?.delete(full);
    },

    remove(connection: RealtimeConnection): void {
      for (const full of [...connection.topics.keys()]) this.unsubscribe(connection, full);
      const state = projects.get(connection.project.id);
      state?.connections.delete(connection);
      if (state?.connections.size === 0) {
        state.stop();
        projects.delete(connection.project.id);
      }
    },

    *all(): Generator<RealtimeConnection> {
      for (const { connections } of projects.values()) yield* connections;
    },
  };
}

export type Hub = ReturnType<typeof createHub>;
