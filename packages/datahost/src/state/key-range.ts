const MAX_CODE_POINT = 0x10ffff;
const LAST_BEFORE_SURROGATES = 0xd7ff;
const FIRST_AFTER_SURROGATES = 0xe000;

/** Sorts after every text: in SQLite, bytes come after text. */
const AFTER_ALL_TEXT = Buffer.alloc(0);

/** Bounds for `key >= lower AND key < upper`, as SQLite's index can use them. */
export interface KeyRange {
  readonly lower: string;
  readonly upper: string | Buffer;
}

/** Keys with this prefix, and after the key `after` where one is given. */
export function keyRange(prefix: string, after: string | null): KeyRange {
  const upper = prefixEnd(prefix) ?? AFTER_ALL_TEXT;
  if (after === null || Buffer.compare(Buffer.from(after), Buffer.from(prefix)) < 0) return { lower: prefix, upper };
  // The least text after another one is that text and a NUL.
  return { lower: `${after}\0`, upper };
}

/**
 * The least text that sorts after every text with this prefix, in SQLite's order of UTF-8 bytes, which is the order of
 * code points. Undefined where there is none, as for the empty prefix.
 */
export function prefixEnd(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last === MAX_CODE_POINT) continue;
    const next = last === LAST_BEFORE_SURROGATES ? FIRST_AFTER_SURROGATES : last + 1;
    return String.fromCodePoint(...points, next);
  }
  return undefined;
}
