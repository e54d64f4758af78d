import { randomUUID } from "node:crypto";

const UUID_LIKE = /^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;

/** The caller's request id when it looks like a UUID, so that both sides' logs meet; else a new one. */
export function acceptRequestId(sent: string | undefined): string {
  return sent !== undefined && UUID_LIKE.test(sent) ? sent.toLowerCase() : randomUUID();
}
