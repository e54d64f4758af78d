import { toIso } from "../page.ts";
import type { Message } from "./message.ts";
import type { OutboxMessage } from "./outbox.ts";

/** A message as interfaces show it. */
export function showOutboxMessage({ createdAtMs, message, ...item }: OutboxMessage) {
  return { ...item, createdAt: toIso(createdAtMs), message: message === null ? null : contentOf(message) };
}

function contentOf({ to, subject, text, html }: Message) {
  return { to, subject, text, ...(html === undefined ? {} : { html }) };
}
