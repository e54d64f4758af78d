import { AerostackClientError } from "./client-error.ts";
import type { Connection } from "./connection.ts";

/** The part of the standard `WebSocket` that is used. */
export interface SocketLike {
  readonly readyState: number;
  send(text: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: "open" | "close" | "error", listener: () => void): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
}

export interface RealtimeOptions {
  /** Where the environment has no `WebSocket` of its own (Node before 22). */
  readonly webSocket?: new (
    url: string,
    protocols: string[],
  ) => SocketLike;
}

export type RealtimeStatus = "idle" | "connecting" | "connected" | "reconnecting" | "closed";

/** What arrives on a topic, as the server sends it. */
export interface RealtimeFrame<Data = unknown> {
  readonly type: "event" | "db_change" | "chat_message";
  readonly topic: string;
  readonly event?: string;
  readonly operation?: "INSERT" | "UPDATE" | "DELETE";
  readonly data: Data;
  /** Of a changed row, what it was before. */
  readonly old?: Data;
  readonly userId?: string;
  /** Milliseconds since the Unix epoch. */
  readonly timestamp?: number;
  /** Where the topic's events stand; a subscription that returns goes on behind the last one it saw. */
  readonly seq?: number;
}

export type FrameListener<Data = unknown> = (data: Data, frame: RealtimeFrame<Data>) => void;

/** One topic. It stays subscribed through lost connections until it is left. */
export interface RealtimeChannel {
  readonly topic: string;
  /** Calls the listener for an event by name, a change by `INSERT`, `UPDATE` or `DELETE`, or for all by `*`. Returns what ends it. */
  on<Data = unknown>(event: string, listener: FrameListener<Data>): () => void;
  /** Resolves when the server has taken it. */
  publish(event: string, data: unknown, options?: { readonly persist?: boolean }): Promise<void>;
  /** Shows the caller as present, with a state that others see. */
  track(state: Readonly<Record<string, unknown>>): void;
  untrack(): void;
  /** Resolves when the server has confirmed the subscription. */
  readonly ready: Promise<void>;
  leave(): void;
}

const OPEN = 1;
const PING_MS = 30_000;
/** Without an answer for so long, the connection is dead although nobody said so. */
const DEAD_AFTER_MS = 70_000;
const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 30_000;
const JITTER = 0.3;
const ACK_TIMEOUT_MS = 10_000;
/** Publications that wait for a connection; beyond it they fail instead of filling the memory. */
const MAX_WAITING = 1000;

interface Subscription {
  /** As it was asked for. */
  readonly asked: string;
  /** As the server calls it. */
  topic: string;
  readonly listeners: Map<string, Set<FrameListener>>;
  presence: Readonly<Record<string, unknown>> | null;
  lastSeq: number | undefined;
  ready: PromiseWithResolvers<void>;
  uses: number;
}

interface Publication {
  readonly frame: string;
  readonly settled: PromiseWithResolvers<void>;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/**
 * A project's realtime events over one WebSocket, opened by the first channel and kept: it comes back by itself after a lost
 * connection, subscribes again to what it was subscribed to, and goes on behind the last event it saw.
 */
export function createRealtime(connection: Connection, options: RealtimeOptions = {}) {
  const subscriptions = new Map<string, Subscription>();
  const publications = new Map<string, Publication>();
  const statusListeners = new Set<(status: RealtimeStatus) => void>();
  let socket: SocketLike | undefined;
  let status: RealtimeStatus = "idle";
  let attempts = 0;
  let lastHeardAt = 0;
  let pinging: ReturnType<typeof setInterval> | undefined;
  let retrying: ReturnType<typeof setTimeout> | undefined;
  let counter = 0;

  function become(next: RealtimeStatus): void {
    if (status === next) return;
    status = next;
    for (const listener of statusListeners) listener(next);
  }

  function send(frame: object): boolean {
    if (socket?.readyState !== OPEN) return false;
    socket.send(JSON.stringify(frame));
    return true;
  }

  function subscribe(subscription: Subscription): void {
    send({ type: "subscribe", topic: subscription.asked, since: subscription.lastSeq });
    if (subscription.presence !== null)
      send({ type: "track", topic: subscription.topic, state: subscription.presence });
  }

  async function open(): Promise<void> {
    if (socket !== undefined || status === "connecting") return;
    clearTimeout(retrying);
    become(attempts === 0 ? "connecting" : "reconnecting");
    const token = await connection.accessToken().catch(() => undefined);
    if (isClosed() || socket !== undefined) return;
    const { apiKey, project } = connection.options;
    const url = new URL(`${connection.origin.replace(/^http/, "ws")}/api/realtime`);
    if (project !== undefined) url.searchParams.set("projectId", project);
    const protocols = [
      ...(apiKey === undefined ? [] : [`aerostack-key.${apiKey}`]),
      ...(token === undefined ? [] : [`aerostack-token.${token}`]),
      "aerostack-v1",
    ];
    const made = new (options.webSocket ?? globalThis.WebSocket)(url.href, protocols) as SocketLike;
    socket = made;
    made.addEventListener("open", () => {
      if (socket !== made) return;
      attempts = 0;
      lastHeardAt = Date.now();
      become("connected");
      pinging = setInterval(keepAlive, PING_MS);
      for (const subscription of subscriptions.values()) subscribe(subscription);
      for (const { frame } of publications.values()) made.send(frame);
    });
    made.addEventListener("message", ({ data }) => {
      if (socket === made && typeof data === "string") receive(data);
    });
    // What goes wrong ends in a close; a close without an open is a connection that was refused.
    made.addEventListener("error", () => {});
    made.addEventListener("close", () => lose(made));
  }

  function isClosed(): boolean {
    return status === "closed";
  }

  function lose(lost: SocketLike): void {
    if (socket !== lost) return;
    socket = undefined;
    clearInterval(pinging);
    if (isClosed()) return;
    if (subscriptions.size === 0 && publications.size === 0) {
      become("idle");
      return;
    }
    become("reconnecting");
    const waitMs = Math.min(FIRST_RETRY_MS * 2 ** attempts, MAX_RETRY_MS) * (1 + Math.random() * JITTER);
    attempts++;
    retrying = setTimeout(() => void open(), waitMs);
  }

  function keepAlive(): void {
    if (Date.now() - lastHeardAt > DEAD_AFTER_MS) socket?.close();
    else send({ type: "ping" });
  }

  function receive(text: string): void {
    lastHeardAt = Date.now();
    let frame: Readonly<Record<string, unknown>>;
    try {
      frame = JSON.parse(text);
    } catch {
      return;
    }
    switch (frame.type) {
      case "subscribed":
        confirm(String(frame.topic));
        break;
      case "ack":
        settle(String(frame.id), null);
        break;
      case "error":
        fail(frame);
        break;
      case "event":
      case "db_change":
      case "chat_message":
        deliver(frame as unknown as RealtimeFrame);
        break;
    }
  }

  /** The server names topics in full; the one that was asked for is its beginning. */
  function find(topic: string): Subscription | undefined {
    const exact = subscriptions.get(topic);
    if (exact !== undefined) return exact;
    for (const one of subscriptions.values()) if (one.topic === topic || topic.startsWith(`${one.asked}/`)) return one;
    return undefined;
  }

  function confirm(topic: string): void {
    const subscription = find(topic);
    if (subscription === undefined) return;
    subscription.topic = topic;
    subscription.ready.resolve();
  }

  function fail(frame: Readonly<Record<string, unknown>>): void {
    const error = new AerostackClientError({
      code: typeof frame.code === "string" ? frame.code : "REQUEST_FAILED",
      message: typeof frame.message === "string" ? frame.message : "The server refused it.",
      status: 0,
    });
    if (typeof frame.id === "string") settle(frame.id, error);
    else if (typeof frame.topic === "string") find(frame.topic)?.ready.reject(error);
  }

  function settle(id: string, error: AerostackClientError | null): void {
    const publication = publications.get(id);
    if (publication === undefined) return;
    publications.delete(id);
    clearTimeout(publication.timer);
    if (error === null) publication.settled.resolve();
    else publication.settled.reject(error);
  }

  function deliver(frame: RealtimeFrame): void {
    const subscription = find(frame.topic);
    if (subscription === undefined) return;
    if (typeof frame.seq === "number") {
      // What a connection that returned replays may hold what was seen before.
      if (subscription.lastSeq !== undefined && frame.seq <= subscription.lastSeq) return;
      subscription.lastSeq = frame.seq;
    }
    const name = frame.operation ?? frame.event ?? "message";
    for (const key of [name, "*"]) {
      for (const listener of subscription.listeners.get(key) ?? []) listener(frame.data, frame);
    }
  }

  function publish(topic: string, event: string, data: unknown, persist: boolean): Promise<void> {
    if (publications.size >= MAX_WAITING) {
      const message = `${MAX_WAITING} messages wait for the connection already.`;
      return Promise.reject(new AerostackClientError({ code: "NETWORK_ERROR", message, status: 0 }));
    }
    counter++;
    const id = `${counter.toString(36)}-${Math.random().toString(36).slice(2, 12)}`;
    const frame = JSON.stringify({ type: "publish", topic, event, data, id, ...(persist ? { persist } : {}) });
    const settled = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      const message = "The server did not confirm the message in time; it may have been delivered.";
      settle(id, new AerostackClientError({ code: "NETWORK_TIMEOUT", message, status: 0 }));
    }, ACK_TIMEOUT_MS);
    publications.set(id, { frame, settled, timer });
    if (socket?.readyState === OPEN) socket.send(frame);
    else void open();
    return settled.promise;
  }

  function channel(name: string): RealtimeChannel {
    if (isClosed()) become("idle");
    let subscription = subscriptions.get(name);
    if (subscription === undefined) {
      subscription = {
        asked: name,
        topic: name,
        listeners: new Map(),
        presence: null,
        lastSeq: undefined,
        ready: Promise.withResolvers<void>(),
        uses: 0,
      };
      // Whoever does not wait for it hears of a refusal by nothing arriving, not by a crash.
      subscription.ready.promise.catch(() => {});
      subscriptions.set(name, subscription);
      if (socket?.readyState === OPEN) subscribe(subscription);
      else void open();
    }
    const own = subscription;
    own.uses++;
    let hasLeft = false;
    const ends = new Set<() => void>();
    return {
      get topic() {
        return own.topic;
      },
      ready: own.ready.promise,
      on(event, listener) {
        const set = own.listeners.get(event) ?? new Set();
        own.listeners.set(event, set.add(listener as FrameListener));
        const end = (): void => {
          set.delete(listener as FrameListener);
          ends.delete(end);
        };
        ends.add(end);
        return end;
      },
      publish: (event, data, { persist = false } = {}) => publish(own.topic, event, data, persist),
      track(state) {
        own.presence = state;
        send({ type: "track", topic: own.topic, state });
      },
      untrack() {
        own.presence = null;
        send({ type: "untrack", topic: own.topic });
      },
      leave() {
        if (hasLeft) return;
        hasLeft = true;
        for (const end of [...ends]) end();
        own.uses--;
        if (own.uses > 0) return;
        subscriptions.delete(own.asked);
        send({ type: "unsubscribe", topic: own.topic });
      },
    };
  }

  return {
    /** A channel by name, such as `room/lobby`. */
    channel,
    /** The changes of a table or collection. */
    table: (name: string): RealtimeChannel => channel(`table/${name}`),
    get status(): RealtimeStatus {
      return status;
    },
    onStatus(listener: (status: RealtimeStatus) => void): () => void {
      statusListeners.add(listener);
      return () => void statusListeners.delete(listener);
    },
    /** Tells the server who is signed in now, without a new connection. */
    async refreshToken(): Promise<void> {
      const token = await connection.accessToken();
      if (token !== undefined) send({ type: "auth", token });
    },
    /** Messages of a channel that were published to be kept, newest first. */
    async history(
      room: string,
      page: { readonly limit?: number; readonly before?: number | string } = {},
    ): Promise<readonly unknown[]> {
      const answer = await connection.json<{ messages: unknown[] }>({
        method: "GET",
        path: "/api/v1/public/realtime/history",
        query: { room, ...page },
        isRepeatable: true,
      });
      return answer.messages;
    },
    /** Ends the connection and every channel. */
    close(): void {
      become("closed");
      clearTimeout(retrying);
      clearInterval(pinging);
      subscriptions.clear();
      const gone = new AerostackClientError({ code: "NETWORK_ERROR", message: "The client was closed.", status: 0 });
      for (const id of [...publications.keys()]) settle(id, gone);
      const closing = socket;
      socket = undefined;
      closing?.close(1000);
    },
  };
}

export type Realtime = ReturnType<typeof createRealtime>;
