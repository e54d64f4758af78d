import { randomBytes } from "node:crypto";

/**
 * Ids of messages: 12 hex digits of the number under which the message is stored, and 20 random ones, so that an id
 * finds its row at once and cannot be guessed.
 */
const NUMBER_DIGITS = 12;
const NONCE_BYTES = 10;
const ID_PATTERN = /^[0-9a-f]{32}$/;

export interface MessageKey {
  readonly seq: number;
  readonly nonce: string;
}

export function createNonce(): string {
  return randomBytes(NONCE_BYTES).toString("hex");
}

export function encodeMessageId({ seq, nonce }: MessageKey): string {
  return seq.toString(16).padStart(NUMBER_DIGITS, "0") + nonce;
}

/** @returns undefined where the text cannot be an id. */
export function decodeMessageId(id: string): MessageKey | undefined {
  if (!ID_PATTERN.test(id)) return undefined;
  return { seq: Number.parseInt(id.slice(0, NUMBER_DIGITS), 16), nonce: id.slice(NUMBER_DIGITS) };
}
