import { isBlocked } from "../front-door/blocks/keep-out.ts";
import type { Listener, Subscription } from "./hub.ts";
import type { Speaker } from "./permissions.ts";
import type { Topic, TopicProject } from "./topics.ts";

/** What may wait for a slow reader; beyond it the stream ends, and the reader comes back and resumes. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
const KEEP_ALIVE_MS = 15_000;
const RETRY_MS = 2_000;
const BETWEEN_POSITIONS = ".";

export interface EventStreamOptions {
  readonly project: TopicProject;
  readonly speaker: Speaker;
  /** In the order of the request. */
  readonly topics: readonly Topic[];
  /** `Last-Event-ID`: where each topic stood. */
  readonly lastEventId: string | null;
  readonly signal: AbortSignal;
  /** Adds the listener to the hub, topic by topic. */
  readonly subscribe: (listener: Listener, topic: Topic, since: number | null) => Promise<void>;
  /** False once the credential does not hold any more. */
  readonly isStillValid: () => Promise<boolean>;
  readonly onEnd: (stream: EventStream) => void;
}

/** Realtime events as server-sent events (WHATWG HTML, 9.2): the same frames that a WebSocket carries, one way. */
export class EventStream implements Listener {
  readonly project: TopicProject;
  readonly speaker: Speaker;
  readonly topics = new Map<string, Subscription>();
  readonly body: ReadableStream<Uint8Array>;
  readonly #options: EventStreamOptions;
  readonly #positions: number[];
  readonly #keepAlive: NodeJS.Timeout;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #deciding: Promise<void> = Promise.resolve();
  #over = false;

  constructor(options: EventStreamOptions) {
    this.#options = options;
    this.project = options.project;
    this.speaker = options.speaker;
    const known = (options.lastEventId ?? "").split(BETWEEN_POSITIONS).map(Number);
    const isKnown = known.length === options.topics.length && known.every((seq) => Number.isSafeInteger(seq));
    this.#positions = options.topics.map((_topic, at) => (isKnown ? (known[at] ?? 0) : 0));
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        cancel: () => this.end(),
      },
      { highWaterMark: MAX_BUFFERED_BYTES, size: (chunk) => chunk?.byteLength ?? 0 },
    );
    this.#keepAlive = setInterval(() => void this.#beat(), KEEP_ALIVE_MS);
    this.#keepAlive.unref();
    options.signal.addEventListener("abort", () => this.end(), { once: true });
    if (options.signal.aborted) this.end();
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** @throws FORBIDDEN where a topic may not be listened to */
  async start(): Promise<void> {
    this.#write(`retry: ${RETRY_MS}\n\n`);
    for (const [at, topic] of this.#options.topics.entries()) {
      const since = this.#positions[at] ?? 0;
      await this.#options.subscribe(this, topic, since > 0 ? since : null);
    }
  }

  send(frame: object): void {
    const { topic, seq } = frame as { readonly topic?: unknown; readonly seq?: unknown };
    const at = this.#options.topics.findIndex(({ shown }) => shown === topic);
    // From the start a stream can be resumed, though nothing has happened yet.
    if (typeof seq === "number" && this.#positions[at] === 0) this.#positions[at] = seq;
    this.#writeFrame(JSON.stringify(frame));
  }

  sendInTurn(text: Buffer | null | Promise<Buffer | null>, own: Subscription, seq: number | undefined): void {
    this.#deciding = this.#deciding.then(async () => {
      // Where it cannot be told, it is not shown.
      const allowed = text instanceof Promise ? await text.catch(() => null) : text;
      const at = this.#options.topics.findIndex(({ full }) => full === own.full);
      if (seq !== undefined && at !== -1) this.#positions[at] = seq;
      if (allowed !== null) this.#writeFrame(allowed.toString());
    });
  }

  end(): void {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#keepAlive);
    try {
      this.#controller?.close();
    } catch {
      // The reader has gone already.
    }
    this.#options.onEnd(this);
  }

  async #beat(): Promise<void> {
    if (await this.#options.isStillValid().catch((error: unknown) => !isBlocked(error)))
      this.#write(": keep-alive\n\n");
    else this.end();
  }

  #writeFrame(json: string): void {
    this.#write(`id: ${this.#positions.join(BETWEEN_POSITIONS)}\ndata: ${json}\n\n`);
  }

  #write(text: string): void {
    if (this.#over || this.#controller === undefined) return;
    if ((this.#controller.desiredSize ?? 0) <= 0) {
      this.end();
      return;
    }
    this.#controller.enqueue(Buffer.from(text));
  }
}
