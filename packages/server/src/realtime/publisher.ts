import { AerostackError, type Plan } from "@aerostack/contracts";
import { type Clock, randomText } from "@aerostack/kernel";
import { createRateWindow, type ShareCounts } from "../kernel/limiter/rate-window.ts";
import type { Hub } from "./hub.ts";
import type { MessageQuota } from "./message-quota.ts";
import type { RoomQuota } from "./room-quota.ts";
import { createSequence } from "./sequence.ts";
import type { RealtimeStore } from "./store.ts";
import type { Topic } from "./topics.ts";

/** What somebody publishes, from wherever. */
export interface NewMessage {
  readonly projectId: string;
  readonly topic: Topic;
  readonly kind: "event" | "chat_message";
  readonly event: string;
  readonly data: unknown;
  readonly userId: string | null;
  readonly persist: boolean;
}

export type Publish = (message: NewMessage) => Promise<void>;

export interface PublisherOptions {
  readonly hub: Pick<Hub, "publish">;
  readonly store: Pick<RealtimeStore, "keep">;
  readonly quota: Pick<MessageQuota, "take" | "undo">;
  readonly rooms: Pick<RoomQuota, "enter">;
  readonly clock: Clock;
  readonly planOf: (projectId: string) => Plan | Promise<Plan>;
  /** Undefined where one server counts alone. */
  readonly share: ShareCounts | undefined;
  readonly onError: (error: unknown) => void;
}

const WINDOW_MS = 10_000;
const SEQ_DIGITS = 11;
const ID_RANDOM_CHARACTERS = 8;

/** Brings a message to a topic, and keeps it where that is asked for, as far as the project's plan goes. */
export function createPublisher({
  hub,
  store,
  quota,
  rooms,
  clock,
  planOf,
  share,
  onError,
}: PublisherOptions): Publish {
  const nextNumber = createSequence(() => clock.now());
  const window = createRateWindow({
    clock,
    windowMs: WINDOW_MS,
    onError,
    ...(share === undefined ? {} : { share }),
  });

  /** Sorts by time, and within a millisecond by the order of the messages. */
  function messageId(): string {
    return `msg_${nextNumber().toString(36).padStart(SEQ_DIGITS, "0")}${randomText(ID_RANDOM_CHARACTERS)}`;
  }

  function require({ realtime }: Plan, { projectId, data }: NewMessage): void {
    if (Buffer.byteLength(JSON.stringify(data ?? null)) > realtime.messageBytes) {
      throw new AerostackError("VALUE_TOO_LARGE", {
        message: `A message of this project has at most ${realtime.messageBytes} bytes.`,
      });
    }
    const limit = (realtime.publishedPerSecond * WINDOW_MS) / 1_000;
    if (window.hit(`realtime ${projectId}`, limit).allowed) return;
    throw new AerostackError("RATE_LIMIT_EXCEEDED", {
      message: `The project publishes more than ${realtime.publishedPerSecond} events a second.`,
      retryAfterSeconds: 1,
    });
  }

  return async (message) => {
    const plan = await planOf(message.projectId);
    require(plan, message);
    await quota.take(message.projectId, plan.realtime.messagesPerMonth);
    try {
      if (message.persist) await rooms.enter(message.projectId, message.topic.full, plan.realtime.rooms);
      await send(message);
    } catch (error) {
      quota.undo(message.projectId);
      throw error;
    }
  };

  async function send(message: NewMessage): Promise<void> {
    const { projectId, topic, kind, event, data, userId, persist } = message;
    const timestamp = clock.now();
    if (persist) {
      const kept = { id: messageId(), topic: topic.full, event, data, userId, createdAtMs: timestamp };
      await store.keep(projectId, kept);
    }
    const from = userId === null ? {} : { userId };
    await hub.publish([{ full: topic.full, frame: { type: kind, event, data, ...from, timestamp } }]);
  }
}
