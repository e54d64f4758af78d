import type { Clock } from "@aerostack/kernel";
import type { OutgoingFetch } from "../../kernel/outgoing.ts";
import { signatureHeaders } from "../../kernel/standard-webhooks.ts";
import { describeFailure } from "./describe-failure.ts";
import { readRetryAfter } from "./retry-delay.ts";

/** A message on its way to an address. */
export interface EndpointMessage {
  readonly id: string;
  /** Deliveries, this one included. */
  readonly attempts: number;
  readonly contentType: string;
  /** Base64. */
  readonly body: string;
}

export interface EndpointAddress {
  /** The queue, as people call it. */
  readonly queue: string;
  readonly url: string;
  /** Newest first. */
  readonly secrets: readonly string[];
}

export type Delivery =
  | { readonly isTaken: true }
  | {
      readonly isTaken: false;
      readonly error: string;
      readonly retryAfterSeconds: number | null;
      /** No later attempt could end otherwise. */
      readonly isFinal?: true;
    };

export interface EndpointDeliveryOptions {
  readonly clock: Clock;
  /** Behind the egress guard, and following no redirect. */
  readonly fetch: OutgoingFetch;
}

/** From the request to the end of the answer. */
export const ENDPOINT_TIMEOUT_MS = 30_000;
const MAX_SHOWN_ANSWER_CHARACTERS = 500;
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  json: "application/json",
  text: "text/plain; charset=utf-8",
  bytes: "application/octet-stream",
};

/** Posts one message. Any answer of 2xx takes it; everything else is a failure that is tried again. Never rejects. */
export function createEndpointDelivery({ clock, fetch }: EndpointDeliveryOptions) {
  return async function deliver(address: EndpointAddress, message: EndpointMessage): Promise<Delivery> {
    const mediaType = MEDIA_TYPES[message.contentType];
    if (mediaType === undefined) {
      // V8's serialised values: reading bytes of user code's making by V8's own reader is nothing for this process.
      const error = `The message is in the format '${message.contentType}', which only functions read. Send it with { contentType: "json" }.`;
      return { isTaken: false, error, retryAfterSeconds: null, isFinal: true };
    }
    const body = new Uint8Array(Buffer.from(message.body, "base64"));
    try {
      const answer = await fetch(address.url, {
        method: "POST",
        headers: {
          "content-type": mediaType,
          "user-agent": "Aerostack",
          "x-aerostack-queue": address.queue,
          "x-aerostack-attempt": String(message.attempts),
          ...signatureHeaders({ id: message.id, timeMs: clock.now(), body }, address.secrets),
        },
        body,
        signal: AbortSignal.timeout(ENDPOINT_TIMEOUT_MS),
      });
      if (answer.ok) {
        // Read, so that the connection serves the next delivery; what it says does not matter.
        await answer.arrayBuffer().catch(() => undefined);
        return { isTaken: true };
      }
      const retryAfterSeconds = readRetryAfter(answer.headers.get("retry-after"), clock.now());
      const said = (await answer.text().catch(() => "")).trim().slice(0, MAX_SHOWN_ANSWER_CHARACTERS);
      return {
        isTaken: false,
        error: `The endpoint answered ${answer.status}${said === "" ? "." : `: ${said}`}`,
        retryAfterSeconds,
      };
    } catch (error) {
      return { isTaken: false, error: describeFailure(error), retryAfterSeconds: null };
    }
  };
}

export type DeliverToEndpoint = ReturnType<typeof createEndpointDelivery>;
