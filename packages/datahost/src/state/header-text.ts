/**
 * Text in HTTP headers: workerd writes and reads UTF-8 there, while Node hands headers over byte by byte (latin1).
 */
export function headerToText(value: string): string {
  return Buffer.from(value, "latin1").toString("utf8");
}

export function textToHeader(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

const MAX_REASON_CHARACTERS = 512;

/** A message as an HTTP reason phrase, which is what workerd's bindings put into the errors that they throw. */
export function textToReason(message: string): string {
  return message.slice(0, MAX_REASON_CHARACTERS).replace(/[^\x20-\x7e]+/g, " ");
}
