import { AerostackError } from "@aerostack/contracts";

/** Levels of objects and lists in one another: what walks a value walks the stack, and no client nests so deep. */
export const MAX_JSON_DEPTH = 100;

const QUOTE = 34;
const BACKSLASH = 92;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/**
 * Reads JSON that somebody else wrote.
 *
 * @throws REQUEST_MALFORMED when it is not JSON, or nested deeper than `MAX_JSON_DEPTH`
 */
export function parseJson(text: string): unknown {
  // A text nests no deeper than half its length.
  if (text.length > 2 * MAX_JSON_DEPTH && isTooDeep(text)) {
    throw new AerostackError("REQUEST_MALFORMED", {
      message: `The request body is nested deeper than ${MAX_JSON_DEPTH} levels.`,
    });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AerostackError("REQUEST_MALFORMED", { message: "The request body is not valid JSON.", cause });
  }
}

function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) index = endOfString(text, index);
    else if (OPENING.has(code)) {
      depth++;
      if (depth > MAX_JSON_DEPTH) return true;
    } else if (CLOSING.has(code)) depth--;
  }
  return false;
}

/** Position of the closing quote, or the text's end. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}
