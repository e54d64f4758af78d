/** Where D1's client sends its session's constraint or bookmark, and finds the next one. Node's spelling of the name. */
export const BOOKMARK_HEADER = "x-cf-d1-session-commit-token";

/** Digits of 2^53. */
const BOOKMARK_DIGITS = 16;

/**
 * A session's bookmark: it stands for everything up to that commit. The client keeps the greater of two by
 * `localeCompare`, hence the leading zeros. A read here always sees the latest commit, so whatever constraint or bookmark
 * comes in ("first-primary", "first-unconstrained", one of these) is met.
 */
export function toBookmark(commitSequence: number): string {
  return commitSequence.toString().padStart(BOOKMARK_DIGITS, "0");
}
