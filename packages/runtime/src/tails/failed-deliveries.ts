/** What functions say of deliveries that failed, as they write it to their process's output. */
export interface FailedDeliveries {
  /** Begins to listen for one; `end` must follow. */
  expect(messageId: string): ExpectedFailure;
  /** A line that begins with `LINE_START`. */
  read(json: Buffer): void;
}

export interface ExpectedFailure {
  /** Text of user code; null where nothing comes in time. */
  text(): Promise<string | null>;
  end(): void;
}

/** Begins the line of a delivery, up to the id of its first message: see `workers/tell-failures.js`. */
export const LINE_START = Buffer.from('{"delivery":"');
const MAX_ID_BYTES = 100;
/** More than the longest line in the worst of encodings. */
const MAX_LINE_BYTES = 16 * 1024;
/** The line is written before the delivery ends; it takes no longer than the pipe is full. */
const WAIT_MS = 500;

export function createFailedDeliveries(): FailedDeliveries {
  const expected = new Map<string, PromiseWithResolvers<string | null>>();

  return {
    expect(messageId) {
      const told = Promise.withResolvers<string | null>();
      expected.set(messageId, told);
      return {
        async text() {
          const timer = setTimeout(() => told.resolve(null), WAIT_MS);
          try {
            return await told.promise;
          } finally {
            clearTimeout(timer);
          }
        },
        end() {
          if (expected.get(messageId) === told) expected.delete(messageId);
        },
      };
    },
    read(json) {
      const end = json.indexOf('"', LINE_START.length);
      if (end === -1 || end > LINE_START.length + MAX_ID_BYTES || json.length > MAX_LINE_BYTES) return;
      const id = json.toString("utf8", LINE_START.length, end);
      const told = expected.get(id);
      if (told === undefined) return;
      // Read once only, so that a flood of such lines costs nothing.
      expected.delete(id);
      try {
        const { error } = JSON.parse(json.toString("utf8")) as { error?: unknown };
        told.resolve(typeof error === "string" ? error : null);
      } catch {
        told.resolve(null);
      }
    },
  };
}
