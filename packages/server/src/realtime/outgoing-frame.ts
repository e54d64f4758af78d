/** What goes to subscribers, without the topic: each calls that as it asked for it. */
export interface OutgoingFrame {
  readonly type: "event" | "db_change" | "chat_message";
  readonly event?: string;
  readonly operation?: "INSERT" | "UPDATE" | "DELETE";
  readonly data: unknown;
  readonly old?: unknown;
  readonly userId?: string;
  /** Unix milliseconds. */
  readonly timestamp: number;
  /** Grows from event to event of a topic. */
  readonly seq: number;
}

/** The bytes of a frame, made once for each name that its topic goes by. */
export function createFrameEncoder(frame: OutgoingFrame): (topic: string) => string {
  const texts = new Map<string, string>();
  return (topic) => {
    let text = texts.get(topic);
    if (text === undefined) {
      const { type, ...rest } = frame;
      text = JSON.stringify({ type, topic, ...rest });
      texts.set(topic, text);
    }
    return text;
  };
}

const COUNTER_LIMIT = 4096;

/** Numbers that grow with time, and within a millisecond by the order of the calls; below 2^53 until the year 2039. */
export function createSequence(now: () => number): () => number {
  let last = 0;
  return () => {
    last = Math.max(now() * COUNTER_LIMIT, last + 1);
    return last;
  };
}
