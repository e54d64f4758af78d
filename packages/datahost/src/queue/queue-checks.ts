import type { ErrorCode } from "@aerostack/contracts/errors";
import { textToReason } from "../state/header-text.ts";
import { Refusal } from "../state/refusal.ts";
import { MAX_BATCH_BYTES, MAX_BATCH_MESSAGES, MAX_DELAY_SECONDS, MAX_MESSAGE_BYTES } from "./queue-limits.ts";
import { type NewQueueMessage, QUEUE_CONTENT_TYPES, type QueueContentType } from "./queue-message.ts";

/** Cloudflare's codes, which functions see at the end of an error's message: /queues/reference/error-codes/. */
const ERROR_CODES = {
  metadataInvalid: 10203,
  messageSize: 10204,
  batchSize: 10205,
  batchCount: 10206,
  requestInvalid: 10207,
} as const;

/** A refusal that the queue binding renders as `<message> (<code>)`, and before compatibility date 2026-02-17 as text only. */
export function queueRefusal(
  status: number,
  code: ErrorCode,
  kind: keyof typeof ERROR_CODES,
  message: string,
): Refusal {
  return new Refusal(status, code, message, {
    "cf-queues-error-code": String(ERROR_CODES[kind]),
    "cf-queues-error-cause": textToReason(message),
  });
}

/** @throws Refusal */
export function checkContentType(value: unknown): QueueContentType {
  const known = QUEUE_CONTENT_TYPES.find((type) => type === value);
  if (known !== undefined) return known;
  throw queueRefusal(
    400,
    "VALIDATION_ERROR",
    "metadataInvalid",
    `message content type ${String(value)} is invalid; if specified, must be one of 'text', 'json', 'bytes', or 'v8'`,
  );
}

/** @returns milliseconds. @throws Refusal */
export function checkDelay(seconds: unknown): number {
  if (typeof seconds === "number" && Number.isInteger(seconds) && seconds >= 0 && seconds <= MAX_DELAY_SECONDS) {
    return seconds * 1000;
  }
  throw queueRefusal(
    400,
    "VALIDATION_ERROR",
    "metadataInvalid",
    `message delay ${String(seconds)} is invalid: it must be between 0 and ${MAX_DELAY_SECONDS} whole seconds`,
  );
}

/** @throws Refusal */
export function checkMessageSize(bytes: number): void {
  if (bytes <= MAX_MESSAGE_BYTES) return;
  throw queueRefusal(
    413,
    "QUEUE_MESSAGE_TOO_LARGE",
    "messageSize",
    `message length of ${bytes} bytes exceeds limit of ${MAX_MESSAGE_BYTES}`,
  );
}

/** @throws Refusal */
export function checkBatch(messages: readonly NewQueueMessage[]): void {
  const count = messages.length;
  if (count === 0) throw queueRefusal(400, "VALIDATION_ERROR", "batchCount", "a batch has at least one message");
  if (count > MAX_BATCH_MESSAGES) {
    throw queueRefusal(
      413,
      "VALIDATION_ERROR",
      "batchCount",
      `batch message count of ${count} exceeds limit of ${MAX_BATCH_MESSAGES}`,
    );
  }
  let bytes = 0;
  for (const { body } of messages) {
    checkMessageSize(body.length);
    bytes += body.length;
  }
  if (bytes > MAX_BATCH_BYTES) {
    throw queueRefusal(
      413,
      "QUEUE_MESSAGE_TOO_LARGE",
      "batchSize",
      `batch size of ${bytes} bytes exceeds limit of ${MAX_BATCH_BYTES}`,
    );
  }
}
