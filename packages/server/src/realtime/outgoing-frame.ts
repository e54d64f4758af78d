/** What goes to subscribers, without the topic: each calls that as it asked for it. */
export interface OutgoingFrame {
  readonly type: "event" | "db_change" | "chat_message";
  readonly event?: string;
  readonly operation?: "INSERT" | "UPDATE" | "DELETE";
  readonly data: unknown;
  readonly old?: unknown;
  /** Columns of a row that were too large to be told; they are in neither `data` nor `old`. */
  readonly truncated?: readonly string[];
  readonly userId?: string;
  /** Unix milliseconds. */
  readonly timestamp: number;
  /** Grows by one from event to event of a topic. What is told and not kept, such as presence, has none. */
  readonly seq?: number;
}

/** The bytes of a frame, made once for each name that its topic goes by. */
export function createFrameEncoder(frame: OutgoingFrame): (topic: string) => Buffer {
  const encoded = new Map<string, Buffer>();
  return (topic) => {
    let bytes = encoded.get(topic);
    if (bytes === undefined) {
      const { type, ...rest } = frame;
      bytes = Buffer.from(JSON.stringify({ type, topic, ...rest }));
      encoded.set(topic, bytes);
    }
    return bytes;
  };
}
