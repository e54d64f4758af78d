import type { RealtimeLimits } from "@aerostack/contracts";
import type { WebSocket } from "ws";
import type { Credentials } from "./handshake.ts";
import type { Listener, Subscription } from "./hub.ts";
import type { Speaker } from "./permissions.ts";
import type { SessionOwner } from "./session-store.ts";
import type { TopicProject } from "./topics.ts";

/** Bytes that wait for a slow reader; beyond it the connection is closed, for nothing is buffered without bound. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
/** "Try again later" (RFC 6455's registry): the reader is too slow. */
export const TOO_SLOW = 1013;
/** "Policy violation": more messages than the limit. */
export const TOO_MANY = 1008;
/** "Message too big" (RFC 6455, 7.4.1). */
export const TOO_BIG = 1009;
/** The key was revoked, or the user's token has run out or was ended: the client comes back with another. */
export const NOT_VALID_ANY_MORE = 4401;
const TERMINATE_AFTER_MS = 2000;
/** Frames of which it is not known yet whether this client may see them. */
const MAX_WAITING_FRAMES = 5_000;
const TEXT = { binary: false } as const;
export const MAX_SUBSCRIPTIONS = 200;

/** One client's WebSocket: what it listens to, and how fast it may speak. */
export class RealtimeConnection implements Listener {
  readonly id: string;
  readonly project: TopicProject;
  readonly owner: SessionOwner;
  /** By full topic: the name that this client uses for it. */
  readonly topics = new Map<string, Subscription>();
  /** Full topics in which it is present. */
  readonly present = new Set<string>();
  speaker: Speaker;
  credentials: Credentials;
  /** When anything was heard last, in `performance.now()`. */
  heardAt = performance.now();
  /** Of the plan; set anew when that changes. */
  limits: RealtimeLimits;
  /** Unix milliseconds: everything that was sent by then has left this process. */
  drainedAtMs: number;
  private readonly socket: WebSocket;
  private allowance: number;
  private allowedAt = performance.now();
  private isClosing = false;
  private deciding: Promise<void> | undefined;
  private waiting = 0;

  constructor(options: {
    readonly id: string;
    readonly socket: WebSocket;
    readonly project: TopicProject;
    readonly owner: SessionOwner;
    readonly speaker: Speaker;
    readonly credentials: Credentials;
    readonly limits: RealtimeLimits;
    readonly now: number;
  }) {
    this.id = options.id;
    this.socket = options.socket;
    this.project = options.project;
    this.owner = options.owner;
    this.speaker = options.speaker;
    this.credentials = options.credentials;
    this.limits = options.limits;
    this.allowance = options.limits.messageBurst;
    this.drainedAtMs = options.now;
    // Every WebSocket answers a ping of the protocol by itself (RFC 6455, 5.5.3), also where the client sends none of its own.
    this.socket.on("pong", () => {
      this.heardAt = performance.now();
    });
  }

  /** Who is meant by it in presence and in what it publishes: only what was proven, or said with a secret key. */
  get userId(): string | null {
    return this.speaker.user?.userId ?? (this.speaker.access === "secret" ? this.owner.userId : null);
  }

  /** It has gone, or is going: nothing is to be kept for it any more. */
  get isOver(): boolean {
    return this.isClosing || this.socket.readyState !== this.socket.OPEN;
  }

  send(frame: object): void {
    this.sendText(JSON.stringify(frame));
  }

  /** Bytes that wait to leave this process. */
  get unsentBytes(): number {
    return this.socket.bufferedAmount;
  }

  /** A reader that does not keep up is let go, with false: it comes back and resumes. */
  private sendText(text: string | Buffer): boolean {
    if (this.isOver) return false;
    if (this.socket.bufferedAmount > MAX_BUFFERED_BYTES) {
      this.close(TOO_SLOW, "too slow");
      return false;
    }
    this.socket.send(text, TEXT);
    return true;
  }

  private sendEvent(text: Buffer | null, own: Subscription, seq: number | undefined): void {
    if ((text === null || this.sendText(text)) && seq !== undefined) own.lastSeq = seq;
  }

  /** Sends in order, though it takes a moment to know what this client may see; null: nothing. */
  sendInTurn(text: Buffer | null | Promise<Buffer | null>, own: Subscription, seq: number | undefined): void {
    if (!(text instanceof Promise) && this.deciding === undefined) {
      this.sendEvent(text, own, seq);
      return;
    }
    if (++this.waiting > MAX_WAITING_FRAMES) {
      this.close(TOO_SLOW, "too slow");
      return;
    }
    // Where it cannot be told, it is not shown.
    const known = Promise.resolve(text).catch(() => null);
    const decided = (this.deciding ?? Promise.resolve()).then(async () => {
      const allowed = await known;
      this.waiting--;
      this.sendEvent(allowed, own, seq);
      if (this.deciding === decided) this.deciding = undefined;
    });
    this.deciding = decided;
  }

  /** False when the client sends faster than it may. */
  mayReceive(): boolean {
    const now = performance.now();
    this.heardAt = now;
    const { messageBurst, messagesPerSecond } = this.limits;
    this.allowance = Math.min(messageBurst, this.allowance + ((now - this.allowedAt) / 1000) * messagesPerSecond);
    this.allowedAt = now;
    if (this.allowance < 1) return false;
    this.allowance--;
    return true;
  }

  ping(): void {
    if (!this.isOver) this.socket.ping();
  }

  close(code: number, reason: string): void {
    if (this.isClosing) return;
    this.isClosing = true;
    this.socket.close(code, reason);
    // One that reads nothing does not answer the close either.
    setTimeout(() => this.socket.terminate(), TERMINATE_AFTER_MS).unref();
  }
}
