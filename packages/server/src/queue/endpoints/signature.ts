import { createHmac, randomBytes } from "node:crypto";

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
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(SECRET_PREFIX.length), "base64");
    const signature = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
    return `v1,${signature}`;
  });
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
}
