import type { Bus } from "../kernel/bus/bus.ts";

type State = Readonly<Record<string, unknown>>;

/** Somebody who is present in a topic. */
export interface Member {
  /** One person with two connections is one member. */
  readonly key: string;
  readonly userId: string | null;
  readonly state: State;
}

export type PresenceEvent = "presence:join" | "presence:update" | "presence:leave";

interface Entry extends Member {
  readonly node: string;
  /** Connections of this node that stand for the member. */
  readonly connections: Set<string>;
  seenAtMs: number;
}

interface PresenceMessage {
  readonly node: string;
  readonly topic: string;
  /** All members of the node in the topic: whoever hears this knows as much as the node. */
  readonly members: readonly Member[];
}

export interface PresenceOptions {
  readonly bus: Bus;
  readonly now: () => number;
  /** Names this server among others. */
  readonly node: string;
  /** Tells this server's subscribers of a topic. */
  readonly announce: (topic: string, event: PresenceEvent, member: Member) => void;
}

const BUS_TOPIC = "realtime:presence";
const REFRESH_MS = 15_000;
/** Members of a server that says nothing any more are gone. */
const LOST_AFTER_MS = 45_000;

/**
 * Who is present where, over all servers. Each server tells the others its own members whenever they change and now and
 * then besides; what a server that crashed had told runs out.
 */
export function createPresence({ bus, now, node, announce }: PresenceOptions) {
  const topics = new Map<string, Map<string, Entry>>();
  /** Topics in which this server has, or just had, members of its own. */
  const own = new Set<string>();

  function entriesOf(topic: string): Map<string, Entry> {
    let entries = topics.get(topic);
    if (entries === undefined) {
      entries = new Map();
      topics.set(topic, entries);
    }
    return entries;
  }

  const entryKey = (owner: string, key: string): string => `${owner} ${key}`;

  /** Whether any server still has the member. */
  function isPresent(topic: string, key: string): boolean {
    for (const entry of topics.get(topic)?.values() ?? []) if (entry.key === key) return true;
    return false;
  }

  function put(topic: string, entry: Entry): void {
    const entries = entriesOf(topic);
    const id = entryKey(entry.node, entry.key);
    const before = entries.get(id);
    const wasPresent = isPresent(topic, entry.key);
    entries.set(id, entry);
    if (!wasPresent) announce(topic, "presence:join", entry);
    else if (before !== undefined && JSON.stringify(before.state) !== JSON.stringify(entry.state)) {
      announce(topic, "presence:update", entry);
    }
  }

  function remove(topic: string, entry: Entry): void {
    const entries = topics.get(topic);
    entries?.delete(entryKey(entry.node, entry.key));
    if (entries?.size === 0) topics.delete(topic);
    if (!isPresent(topic, entry.key)) announce(topic, "presence:leave", entry);
  }

  function tell(topic: string): void {
    const members = [...(topics.get(topic)?.values() ?? [])]
      .filter((entry) => entry.node === node)
      .map(({ key, userId, state }) => ({ key, userId, state }));
    if (members.length === 0) own.delete(topic);
    bus.publish(BUS_TOPIC, { node, topic, members } satisfies PresenceMessage);
  }

  const stop = bus.subscribe(BUS_TOPIC, (message) => {
    const { node: teller, topic, members } = message as PresenceMessage;
    if (teller === node) return;
    const told = new Set(members.map(({ key }) => key));
    for (const member of members) {
      put(topic, { ...member, node: teller, connections: new Set(), seenAtMs: now() });
    }
    for (const entry of [...(topics.get(topic)?.values() ?? [])]) {
      if (entry.node === teller && !told.has(entry.key)) remove(topic, entry);
    }
  });

  const refreshing = setInterval(() => {
    for (const topic of own) tell(topic);
    const lost = now() - LOST_AFTER_MS;
    for (const [topic, entries] of topics) {
      for (const entry of [...entries.values()]) if (entry.node !== node && entry.seenAtMs < lost) remove(topic, entry);
    }
  }, REFRESH_MS);
  refreshing.unref();

  return {
    track(topic: string, connectionId: string, member: Member): void {
      const connections = topics.get(topic)?.get(entryKey(node, member.key))?.connections ?? new Set();
      connections.add(connectionId);
      own.add(topic);
      put(topic, { ...member, node, connections, seenAtMs: now() });
      tell(topic);
    },

    /** The member stays while another of its connections is there. */
    untrack(topic: string, connectionId: string, key: string): void {
      const entry = topics.get(topic)?.get(entryKey(node, key));
      if (entry === undefined || !entry.connections.delete(connectionId)) return;
      if (entry.connections.size > 0) return;
      remove(topic, entry);
      tell(topic);
    },

    /** Everybody in the topic, each once. */
    members(topic: string): readonly Member[] {
      const byKey = new Map<string, Member>();
      for (const { key, userId, state } of topics.get(topic)?.values() ?? []) byKey.set(key, { key, userId, state });
      return [...byKey.values()];
    },

    close(): void {
      clearInterval(refreshing);
      stop();
    },
  };
}

export type Presence = ReturnType<typeof createPresence>;
