import type { Clock } from "@aerostack/kernel";
import {
  type EventListener,
  type EventLog,
  type LoggedEvent,
  MAX_EVENTS_PER_TOPIC,
  RETENTION_MS,
  SEQ_PER_MS,
} from "./event-log.ts";

interface Topic {
  last: number;
  /** Oldest first. */
  events: LoggedEvent[];
  characters: number;
  touchedAtMs: number;
  readonly listeners: Set<EventListener>;
}

const MAX_CHARACTERS_PER_TOPIC = 1024 * 1024;
/** Of all topics together. */
const MAX_CHARACTERS = 64 * 1024 * 1024;
const SWEEP_INTERVAL_MS = 30_000;

/** Within one process. Listeners are called before `append` returns. */
export function createMemoryEventLog({ clock }: { readonly clock: Clock }): EventLog {
  const topics = new Map<string, Topic>();
  const positions = new Map<string, number>();
  let characters = 0;
  const timer = setInterval(sweep, SWEEP_INTERVAL_MS);
  timer.unref();

  function open(name: string): Topic {
    const known = topics.get(name);
    if (known !== undefined) {
      known.touchedAtMs = clock.now();
      return known;
    }
    const topic: Topic = {
      last: clock.now() * SEQ_PER_MS,
      events: [],
      characters: 0,
      touchedAtMs: clock.now(),
      listeners: new Set(),
    };
    topics.set(name, topic);
    return topic;
  }

  function dropOldest(topic: Topic, count: number): void {
    for (const { payload } of topic.events.splice(0, count)) {
      topic.characters -= payload.length;
      characters -= payload.length;
    }
  }

  function add(topic: Topic, payload: string): number {
    topic.last++;
    topic.events.push({ seq: topic.last, payload });
    topic.characters += payload.length;
    characters += payload.length;
    // Half at once: taking one off the front for each that is added would move them all each time.
    if (topic.events.length > MAX_EVENTS_PER_TOPIC * 1.5) dropOldest(topic, MAX_EVENTS_PER_TOPIC / 2);
    while (topic.characters > MAX_CHARACTERS_PER_TOPIC && topic.events.length > 0) dropOldest(topic, 1);
    return topic.last;
  }

  function sweep(): void {
    const before = clock.now() - RETENTION_MS;
    for (const [name, topic] of topics) {
      if (topic.touchedAtMs <= before) dropOldest(topic, topic.events.length);
      if (topic.touchedAtMs <= before && topic.listeners.size === 0) topics.delete(name);
    }
  }

  /** The topics that were used longest ago give way. */
  function makeRoom(): void {
    if (characters <= MAX_CHARACTERS) return;
    const byAge = [...topics.values()].sort((a, b) => a.touchedAtMs - b.touchedAtMs);
    for (const topic of byAge) {
      if (characters <= MAX_CHARACTERS / 2) return;
      dropOldest(topic, topic.events.length);
    }
  }

  return {
    async append(events, from) {
      if (from !== undefined) {
        if ((positions.get(from.source) ?? Number.NEGATIVE_INFINITY) >= from.position) return [];
        positions.set(from.source, from.position);
      }
      const numbers = events.map(({ topic: name, payload }) => {
        const topic = open(name);
        const seq = add(topic, payload);
        for (const listener of topic.listeners) listener.onEvent(seq, payload);
        return seq;
      });
      makeRoom();
      return numbers;
    },
    announce(name, payload) {
      for (const listener of topics.get(name)?.listeners ?? []) listener.onEvent(null, payload);
    },
    positionOf: async (source) => positions.get(source) ?? null,
    async follow(name, listener) {
      const topic = open(name);
      topic.listeners.add(listener);
      return {
        seq: topic.last,
        stop() {
          topic.listeners.delete(listener);
          topic.touchedAtMs = clock.now();
        },
      };
    },
    async readAfter(name, seq) {
      const topic = topics.get(name);
      if (topic === undefined) return { events: [], isComplete: false };
      const events = topic.events.filter((event) => event.seq > seq);
      return { events, isComplete: seq === topic.last || events[0]?.seq === seq + 1 };
    },
    async close() {
      clearInterval(timer);
      topics.clear();
    },
  };
}
