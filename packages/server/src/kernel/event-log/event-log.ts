/** An event of a topic, under its number. Numbers of a topic follow each other without gaps. */
export interface LoggedEvent {
  readonly seq: number;
  readonly payload: string;
}

export interface NewEvent {
  readonly topic: string;
  readonly payload: string;
}

/** Where a source stands that hands over its events again when it does not know whether they arrived. */
export interface SourcePosition {
  readonly source: string;
  readonly position: number;
}

/** What happened in a topic after a number. */
export interface Replay {
  readonly events: readonly LoggedEvent[];
  /** False: something in between is not kept any more, or the number is not one of the topic's. */
  readonly isComplete: boolean;
}

export interface EventListener {
  /** @param seq null for what was only announced */
  onEvent(seq: number | null, payload: string): void;
  /** Something may have been missed, and it cannot be had any more. */
  onGap(): void;
}

export interface Following {
  /** The number of the last event before those that the listener hears of. */
  readonly seq: number;
  stop(): void;
}

/**
 * Events by topic, for every server of an installation: in one order for all, each under a number, and kept for a while so
 * that who was away can go on where it stood. Numbers begin with the time, so that a topic that was forgotten does not use
 * one again.
 */
export interface EventLog {
  /**
   * Adds events in their order, all or none, and hands them out everywhere.
   *
   * @param from with it, nothing is done where the source was at this position before; the numbers are then none
   */
  append(events: readonly NewEvent[], from?: SourcePosition): Promise<readonly number[]>;
  /** Hands something out in order with the topic's events, without keeping it. */
  announce(topic: string, payload: string): void;
  /** Null for a source that has added nothing. */
  positionOf(source: string): Promise<number | null>;
  /** In force when it resolves. */
  follow(topic: string, listener: EventListener): Promise<Following>;
  readAfter(topic: string, seq: number): Promise<Replay>;
  close(): Promise<void>;
}

/** What is kept of a topic. */
export const RETENTION_MS = 5 * 60_000;
export const MAX_EVENTS_PER_TOPIC = 1_000;
export const SEQ_PER_MS = 1_000;
