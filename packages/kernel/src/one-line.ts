/** Control characters, line separators and what turns the direction of text: none may reach a terminal or a log from outside. */
const UNFIT = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu;
const ELLIPSIS = "\u2026";
const encoder = new TextEncoder();

/**
 * Text that somebody else wrote, as one line that is safe to store and to print: what is unfit becomes a space, and what
 * is longer than so many bytes of UTF-8 is cut between two characters, with an ellipsis at its end.
 *
 * @param maxBytes at least 3
 */
export function oneLine(text: string, maxBytes: number): string {
  // A character is at least a byte, so no more of it can be needed; the rest is not looked at.
  const line = text
    .slice(0, maxBytes + 1)
    .toWellFormed()
    .replace(UNFIT, " ")
    .trim();
  const isWhole = text.length <= maxBytes && Buffer.byteLength(line) <= maxBytes;
  if (isWhole) return line;
  const room = new Uint8Array(maxBytes - Buffer.byteLength(ELLIPSIS));
  const { read } = encoder.encodeInto(line, room);
  return line.slice(0, read) + ELLIPSIS;
}
