/** How a message's body is encoded; `v8` is V8's structured clone. */
export const QUEUE_CONTENT_TYPES = ["json", "text", "bytes", "v8"] as const;
export type QueueContentType = (typeof QUEUE_CONTENT_TYPES)[number];

export interface NewQueueMessage {
  readonly body: Buffer;
  readonly contentType: QueueContentType;
  readonly delayMs: number;
}

export interface LeasedQueueMessage {
  readonly id: string;
  /** When it was sent; milliseconds since the epoch. */
  readonly timestamp: number;
  /** Deliveries, this one included. */
  readonly attempts: number;
  readonly contentType: QueueContentType;
  readonly body: Buffer;
}

/** What a send answers. */
export interface QueueMetrics {
  readonly backlogCount: number;
  readonly backlogBytes: number;
  /** Milliseconds since the epoch; 0 where the queue is empty. */
  readonly oldestMessageTimestamp: number;
}
