import type { WebSocket } from "ws";
import type { Credentials } from "./handshake.ts";
import type { Listener, Subscription } from "./hub.ts";
import type { Speaker } from "./permissions.ts";
import type { SessionOwner } from "./store.ts";
import type { TopicProject } from "./topics.ts";

/** Bytes that wait for a slow reader; beyond it the connection is closed, for nothing is buffered without bound. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
/** "Try again later" (RFC 6455's registry): the reader is too slow. */
export const TOO_SLOW = 1013;
/** "Policy violation": more messages than the limit. */
export const TOO_MANY = 1008;
/** The key was revoked, or the user's token has run out or was ended: the client comes back with another. */
export const NOT_VALID_ANY_MORE = 4401;
const TERMINATE_AFTER_MS = 2000;
/** Frames of which it is not known yet whether this client may see them. */
const MAX_WAITING_FRAMES = 5_000;
const TEXT = { binary: false } as const;
/** Messages that a connection may send at once, and how many more each second. */
const BURST = 200;
const MESSAGES_PER_SECOND = 100;
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
  private readonly socket: WebSocket;
  private allowance = BURST;
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
  }) {
    this.id = options.id;
    this.socket = options.socket;
    this.project = options.project;
    this.owner = options.owner;
    this.speaker = options.speaker;
    this.credentials = options.credentials;
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

  /** A reader that does not keep up is let go: it comes back and resumes. */
  sendText(text: string | Buffer): void {
    if (this.isOver) return;
    if (this.socket.bufferedAmount > MAX_BUFFERED_BYTES) {
      this.close(TOO_SLOW, "too slow");
      return;
    }
    this.socket.send(text, TEXT);
  }

  /** Sends in order, though it takes a moment to know what this client may see; null: nothing. */
  sendInTurn(text: Buffer | null | Promise<Buffer | null>): void {
    if (!(text instanceof Promise) && this.deciding === undefined) {
      if (text !== null) this.sendText(text);
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
      if (allowed !== null) this.sendText(allowed);
      if (this.deciding === decided) this.deciding = undefined;
    });
    this.deciding = decided;
  }

  /** False when the client sends faster than it may. */
  mayReceive(): boolean {
    const now = performance.now();
    this.heardAt = now;
    this.allowance = Math.min(BURST, this.allowance + ((now - this.allowedAt) / 1000) * MESSAGES_PER_SECOND);
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
