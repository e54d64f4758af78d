import type { OutgoingFrame } from "./outgoing-frame.ts";

const MAX_FRAMES_PER_TOPIC = 200;
const MAX_TOPICS = 2000;
const KEPT_FOR_MS = 5 * 60_000;

/**
 * The last events of topics, for subscribers that were away for a moment. It is bounded: whoever was away for longer reads
 * the history, or the table.
 */
export function createReplayLog() {
  const topics = new Map<string, OutgoingFrame[]>();
  return {
    add(topic: string, frame: OutgoingFrame): void {
      let frames = topics.get(topic);
      if (frames === undefined) {
        if (topics.size >= MAX_TOPICS) {
          const [oldest] = topics.keys();
          if (oldest !== undefined) topics.delete(oldest);
        }
        frames = [];
      } else topics.delete(topic);
      frames.push(frame);
      if (frames.length > MAX_FRAMES_PER_TOPIC) frames.shift();
      // The topic that was used last is the last to be forgotten.
      topics.set(topic, frames);
    },
    after(topic: string, seq: number, now: number): readonly OutgoingFrame[] {
      return (topics.get(topic) ?? []).filter((frame) => frame.seq > seq && frame.timestamp > now - KEPT_FOR_MS);
    },
    forget(topic: string): void {
      topics.delete(topic);
    },
  };
}
