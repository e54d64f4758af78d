import type { Clock } from "@aerostack/kernel";
import type { Redis } from "ioredis";
import type { Logger } from "../log.ts";
import {
  type EventListener,
  type EventLog,
  MAX_EVENTS_PER_TOPIC,
  RETENTION_MS,
  type Replay,
  SEQ_PER_MS,
} from "./event-log.ts";

export interface RedisEventLogOptions {
  readonly redis: Redis;
  readonly clock: Clock;
  readonly log: Logger;
  readonly prefix?: string;
}

/** A source is forgotten when it was silent for so long; it then begins anew. */
const SOURCE_TTL_MS = 7 * 24 * 60 * 60_000;

/**
 * KEYS: the topics' keys, one for each event. ARGV: first number of a new topic, how long a topic is kept, how many events,
 * key of the source or "", its position, how long the source is kept, then the payloads.
 * Number, store and hand out in one step: what every server hears is in the order of the numbers.
 */
const APPEND = `
if ARGV[4] ~= "" then
  local known = tonumber(redis.call("GET", ARGV[4]) or "-1")
  if known >= tonumber(ARGV[5]) then return {} end
  redis.call("SET", ARGV[4], ARGV[5], "PX", ARGV[6])
end
local numbers = {}
for i, key in ipairs(KEYS) do
  local counter = key .. ":last"
  redis.call("SET", counter, ARGV[1], "NX", "PX", ARGV[2])
  local seq = string.format("%.0f", redis.call("INCR", counter))
  redis.call("PEXPIRE", counter, ARGV[2])
  redis.call("XADD", key, "MAXLEN", "~", ARGV[3], seq .. "-0", "p", ARGV[6 + i])
  redis.call("PEXPIRE", key, ARGV[2])
  redis.call("PUBLISH", key, seq .. " " .. ARGV[6 + i])
  numbers[i] = seq
end
return numbers`;

/** KEYS: the topic's key. ARGV: first number of a new topic, how long it is kept. Answers the last number. */
const OPEN = `
local counter = KEYS[1] .. ":last"
redis.call("SET", counter, ARGV[1], "NX", "PX", ARGV[2])
redis.call("PEXPIRE", counter, ARGV[2])
return redis.call("GET", counter)`;

interface Arrival {
  readonly seq: number | null;
  readonly payload: string;
}

interface Followed {
  readonly listeners: Set<EventListener>;
  /** The last number that listeners heard of. */
  last: number;
  /** Resolves once the subscription is in force and `last` is known. */
  ready: Promise<void>;
  /** What arrives while something before it is read; undefined while nothing is. */
  held: Arrival[] | undefined;
  /** The connection was lost since the last read began. */
  mustReadAgain: boolean;
  hasBegun: boolean;
}

/** What is held beyond this is read again instead. */
const MAX_HELD = 5_000;

/** Between all servers of an installation. A lost connection to Redis is made good from what Redis keeps. */
export async function createRedisEventLog(options: RedisEventLogOptions): Promise<EventLog> {
  const { redis, clock, log, prefix = "aerostack:events:" } = options;
  const followed = new Map<string, Followed>();
  const subscriber = redis.duplicate();
  subscriber.on("error", (err: Error) => log.warn({ err }, "the event log's connection to Redis failed"));
  await subscriber.connect();
  subscriber.on("message", (key: string, text: string) => receive(key.slice(prefix.length), text));
  subscriber.on("ready", () => {
    for (const [topic, one] of followed) {
      one.mustReadAgain = true;
      if (one.held === undefined) void catchUp(topic, one);
    }
  });

  // A topic that somebody follows is not forgotten, however quiet it is.
  const timer = setInterval(() => {
    for (const topic of followed.keys()) {
      touch(topic).catch((err: unknown) => log.warn({ err }, "a topic could not be kept"));
    }
  }, RETENTION_MS / 3);
  timer.unref();

  const keyOf = (topic: string) => prefix + topic;
  const firstSeq = () => String(clock.now() * SEQ_PER_MS);

  function receive(topic: string, text: string): void {
    const one = followed.get(topic);
    if (one === undefined) return;
    const space = text.indexOf(" ");
    const payload = text.slice(space + 1);
    const arrival = { seq: text.startsWith("- ") ? null : Number(text.slice(0, space)), payload };
    if (one.held !== undefined) {
      if (one.held.length < MAX_HELD) one.held.push(arrival);
    } else if (!accept(one, arrival)) {
      one.held = [arrival];
      void catchUp(topic, one);
    }
  }

  /** False where something before it is missing. */
  function accept(one: Followed, { seq, payload }: Arrival): boolean {
    if (seq !== null) {
      if (seq <= one.last) return true;
      if (seq > one.last + 1) return false;
      one.last = seq;
    }
    for (const listener of one.listeners) listener.onEvent(seq, payload);
    return true;
  }

  function tellGap(one: Followed, last: number): void {
    one.last = Math.max(one.last, last);
    for (const listener of one.listeners) listener.onGap();
  }

  /** Reads what did not arrive by itself, then goes on with what arrived meanwhile. */
  async function catchUp(topic: string, one: Followed): Promise<void> {
    one.held ??= [];
    try {
      await one.ready;
      while (one.held !== undefined) {
        one.mustReadAgain = false;
        const { events, isComplete, last } = await read(topic, one.last);
        if (!isComplete) tellGap(one, (events[0]?.seq ?? last + 1) - 1);
        for (const event of events) accept(one, event);
        const { held } = one;
        const isAllHere = held.length < MAX_HELD && events.length < MAX_EVENTS_PER_TOPIC && !one.mustReadAgain;
        const missing: number = held.findIndex((arrival) => !accept(one, arrival));
        one.held = missing !== -1 ? held.slice(missing) : isAllHere ? undefined : [];
      }
    } catch (err) {
      log.warn({ err }, "missed events could not be read");
      const newest = Math.max(one.last, ...(one.held ?? []).map(({ seq }) => seq ?? 0));
      one.held = undefined;
      tellGap(one, newest);
    }
  }

  async function read(topic: string, seq: number): Promise<Replay & { readonly last: number }> {
    const key = keyOf(topic);
    // Events before the counter: what is added in between is then read the next time.
    const [entries, counter] = await Promise.all([
      redis.xrange(key, `(${seq}-0`, "+", "COUNT", MAX_EVENTS_PER_TOPIC),
      redis.get(`${key}:last`),
    ]);
    const events = entries.map(([id, fields]) => ({ seq: Number.parseInt(id, 10), payload: fields[1] ?? "" }));
    const last = Number(counter ?? 0);
    const [first] = events;
    return { events, last, isComplete: first === undefined ? seq === last : first.seq === seq + 1 };
  }

  async function touch(topic: string): Promise<number> {
    return Number(await redis.eval(OPEN, 1, keyOf(topic), firstSeq(), RETENTION_MS));
  }

  async function subscribe(topic: string, one: Followed): Promise<void> {
    await subscriber.subscribe(keyOf(topic));
    one.last = await touch(topic);
  }

  function open(topic: string): Followed {
    const known = followed.get(topic);
    if (known !== undefined) return known;
    const one: Followed = {
      listeners: new Set(),
      last: Number.POSITIVE_INFINITY,
      ready: Promise.resolve(),
      // Until it is known where the topic stands and somebody listens.
      held: [],
      mustReadAgain: false,
      hasBegun: false,
    };
    followed.set(topic, one);
    one.ready = subscribe(topic, one);
    one.ready.catch(() => {
      if (followed.get(topic) === one) followed.delete(topic);
    });
    return one;
  }

  return {
    async append(events, from) {
      if (events.length === 0 && from === undefined) return [];
      const keys = events.map(({ topic }) => keyOf(topic));
      const source = from === undefined ? "" : `${prefix}source:${from.source}`;
      const numbers = (await redis.eval(
        APPEND,
        keys.length,
        ...keys,
        firstSeq(),
        RETENTION_MS,
        MAX_EVENTS_PER_TOPIC,
        source,
        from?.position ?? 0,
        SOURCE_TTL_MS,
        ...events.map(({ payload }) => payload),
      )) as string[];
      return numbers.map(Number);
    },
    announce(topic, payload) {
      redis
        .publish(keyOf(topic), `- ${payload}`)
        .catch((err: unknown) => log.warn({ err }, "an announcement was not published"));
    },
    async positionOf(source) {
      const position = await redis.get(`${prefix}source:${source}`);
      return position === null ? null : Number(position);
    },
    async follow(topic, listener) {
      const one = open(topic);
      await one.ready;
      one.listeners.add(listener);
      const { last: seq } = one;
      if (!one.hasBegun) {
        one.hasBegun = true;
        void catchUp(topic, one);
      }
      return {
        seq,
        stop() {
          one.listeners.delete(listener);
          if (one.listeners.size > 0 || followed.get(topic) !== one) return;
          followed.delete(topic);
          subscriber
            .unsubscribe(keyOf(topic))
            .catch((err: unknown) => log.warn({ err }, "unsubscribing from the event log failed"));
        },
      };
    },
    async readAfter(topic, seq) {
      const { events, isComplete } = await read(topic, seq);
      return { events, isComplete };
    },
    async close() {
      clearInterval(timer);
      followed.clear();
      await subscriber.quit();
    },
  };
}
