import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

// Standard Webhooks, specification 1.0.0: https://github.com/standard-webhooks/standard-webhooks

/** Marks a symmetric secret; what follows is base64. */
const SECRET_PREFIX = "whsec_";
/** The specification asks for 24 to 64 bytes. */
const SECRET_BYTES = 32;

export function createSigningSecret(): string {
  return SECRET_PREFIX + randomBytes(SECRET_BYTES).toString("base64");
}

export interface SignedDelivery {
  readonly id: string;
  /** Of this attempt: receivers refuse old ones, so that a recorded delivery cannot be played again. */
  readonly timeMs: number;
  readonly body: Uint8Array;
}

/** The headers that tell a receiver who sent a delivery; one signature for each secret that it may know. */
export function signatureHeaders({ id, timeMs, body }: SignedDelivery, secrets: readonly string[]) {
  const timestamp = String(Math.floor(timeMs / 1000));
  const signatures = secrets.map((secret) => `v1,${sign(secret, id, timestamp, body).toString("base64")}`);
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
}

function sign(secret: string, id: string, timestamp: string, body: Uint8Array): Buffer {
  const key = Buffer.from(secret.slice(SECRET_PREFIX.length), "base64");
  return createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest();
}

/** How far a sender's clock may be from ours; what is older was recorded and is played again. */
const TOLERANCE_MS = 5 * 60_000;
const MAX_SIGNATURES = 10;

/** Whether whoever knows the secret sent this, lately. */
export function verifyWebhook(headers: Headers, body: Uint8Array, secret: string, nowMs: number): boolean {
  const id = headers.get("webhook-id");
  const timestamp = headers.get("webhook-timestamp");
  const signatures = headers.get("webhook-signature");
  if (id === null || timestamp === null || signatures === null || !/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(Number(timestamp) * 1000 - nowMs) > TOLERANCE_MS) return false;
  const expected = sign(secret, id, timestamp, body);
  return signatures
    .split(" ", MAX_SIGNATURES)
    .filter((text) => text.startsWith("v1,"))
    .map((text) => Buffer.from(text.slice("v1,".length), "base64"))
    .some((given) => given.length === expected.length && timingSafeEqual(given, expected));
}
