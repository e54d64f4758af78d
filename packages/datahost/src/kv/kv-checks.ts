import { Refusal } from "../state/refusal.ts";
import { MAX_KEY_BYTES, MAX_METADATA_BYTES, MAX_VALUE_BYTES } from "./kv-limits.ts";

const BYTES_PER_UTF16_UNIT_AT_MOST = 3;

/** @throws Refusal */
export function checkKey(key: string): void {
  if (key === "") throw new Refusal(400, "KEY_INVALID", "Key names must not be empty");
  if (key === "." || key === "..") {
    throw new Refusal(400, "KEY_INVALID", `Illegal key name "${key}". Please use a different name.`);
  }
  checkKeyLength(key);
}

/** Also for prefixes, which may be empty. @throws Refusal */
export function checkKeyLength(key: string): void {
  if (key.length * BYTES_PER_UTF16_UNIT_AT_MOST <= MAX_KEY_BYTES) return;
  const bytes = Buffer.byteLength(key);
  if (bytes <= MAX_KEY_BYTES) return;
  throw new Refusal(
    414,
    "KEY_INVALID",
    `UTF-8 encoded length of ${bytes} exceeds key length limit of ${MAX_KEY_BYTES}.`,
  );
}

/** @throws Refusal */
export function checkValueLength(bytes: number): void {
  if (bytes <= MAX_VALUE_BYTES) return;
  throw new Refusal(413, "VALUE_TOO_LARGE", `Value length of ${bytes} exceeds limit of ${MAX_VALUE_BYTES}.`);
}

/**
 * @param json as JSON text.
 * @returns JSON text that fits into an HTTP header.
 * @throws Refusal
 */
export function checkMetadata(json: string): string {
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_METADATA_BYTES) {
    throw new Refusal(413, "VALUE_TOO_LARGE", `Metadata length of ${bytes} exceeds limit of ${MAX_METADATA_BYTES}.`);
  }
  try {
    // Written anew: no line breaks between its parts.
    return JSON.stringify(JSON.parse(json)).replaceAll("\x7f", "\\u007f");
  } catch {
    throw new Refusal(400, "VALIDATION_ERROR", "Metadata is not valid JSON.");
  }
}
