import type { Bus } from "../kernel/bus/bus.ts";
import type { RealtimeConnection } from "./connection.ts";
import { createFrameEncoder, type OutgoingFrame } from "./outgoing-frame.ts";
import { createReplayLog } from "./replay-log.ts";
import type { Topic } from "./topics.ts";

/** A frame on its way to all servers. */
interface HubMessage {
  readonly topic: string;
  readonly frame: OutgoingFrame;
}

/** Whether a subscriber may see a frame; rows are asked for one by one. */
export type MaySee = (connection: RealtimeConnection, topic: Topic, frame: OutgoingFrame) => boolean | Promise<boolean>;

export interface HubOptions {
  readonly bus: Bus;
  readonly now: () => number;
  readonly maySee: MaySee;
}

const busTopic = (projectId: string): string => `realtime:${projectId}`;

interface ProjectState {
  readonly connections: Set<RealtimeConnection>;
  readonly subscribers: Map<string, Set<RealtimeConnection>>;
  readonly stop: () => void;
}

/** Brings frames to the connections of this server that listen to their topics; other servers do the same with theirs. */
export function createHub({ bus, now, maySee }: HubOptions) {
  const projects = new Map<string, ProjectState>();
  const replay = createReplayLog();

  /** To this server's subscribers alone. */
  function deliver(projectId: string, topic: string, frame: OutgoingFrame): void {
    const subscribers = projects.get(projectId)?.subscribers.get(topic);
    if (subscribers === undefined) return;
    const encode = createFrameEncoder(frame);
    for (const connection of subscribers) {
      const own = connection.topics.get(topic);
      if (own !== undefined) connection.sendIf(maySee(connection, own, frame), encode(own.shown));
    }
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

    subscribe(connection: RealtimeConnection, topic: Topic, since: number | null): void {
      const { subscribers } = stateOf(connection.project.id);
      const set = subscribers.get(topic.full) ?? new Set();
      subscribers.set(topic.full, set.add(connection));
      connection.topics.set(topic.full, topic);
      connection.send({ type: "subscribed", topic: topic.shown });
      if (since === null) return;
      for (const frame of replay.after(topic.full, since, now())) {
        connection.sendIf(maySee(connection, topic, frame), createFrameEncoder(frame)(topic.shown));
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
