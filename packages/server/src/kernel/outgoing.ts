import type { Socket } from "node:net";
import { Agent, buildConnector, fetch as undiciFetch } from "undici";

/** The server's own way to the network, with a bound on everything that another side decides. */
export interface Outgoing {
  /** As the standard's, but follows no redirect: the caller would reach an address that it did not name. */
  readonly fetch: OutgoingFetch;
  /** A plain connection. */
  connect(host: string, port: number): Promise<Socket>;
  close(): Promise<void>;
}

export type OutgoingFetch = (
  url: string,
  init?: {
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string | Uint8Array<ArrayBuffer>;
    readonly signal?: AbortSignal;
  },
) => Promise<Response>;

export const OUTGOING_CONNECT_TIMEOUT_MS = 5_000;
const ANSWER_TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

/**
 * @param connector decides where a connection may go; by default anywhere, for addresses that the operator named
 * @param answerTimeoutMs for the head of an answer, and for silence within its body
 */
export function createOutgoing(
  connector: buildConnector.connector = buildConnector({ timeout: OUTGOING_CONNECT_TIMEOUT_MS }),
  answerTimeoutMs = ANSWER_TIMEOUT_MS,
): Outgoing {
  const dispatcher = new Agent({
    connect: connector,
    allowH2: false,
    headersTimeout: answerTimeoutMs,
    bodyTimeout: answerTimeoutMs,
    maxResponseSize: MAX_ANSWER_BYTES,
  });
  return {
    async fetch(url, init = {}) {
      const signal = init.signal ?? AbortSignal.timeout(answerTimeoutMs);
      const answer = await undiciFetch(url, { ...init, signal, redirect: "manual", dispatcher });
      return answer as unknown as Response;
    },
    connect: (host, port) =>
      new Promise((resolve, reject) => {
        connector({ hostname: host, host, port: String(port), protocol: "http:" }, (error, socket) => {
          if (error !== null) reject(error);
          else resolve(socket);
        });
      }),
    close: () => dispatcher.close(),
  };
}
