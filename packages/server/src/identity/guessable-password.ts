/** Shorter words are in too much. */
const MIN_WORD_CHARACTERS = 4;
/** With as many letters of its own, a password is more than the word in it. */
const MIN_OTHER_LETTERS = 4;

/**
 * Why somebody would try a password early on: it is among those that leaks show most often, or hardly more than a word of
 * what it is for or of its owner.
 *
 * @param about names, e-mail addresses and the like; what is not known is left out
 * @returns what the password is, as a message says it; null: neither
 */
export async function guessableBy(
  password: string,
  about: readonly (string | null | undefined)[],
): Promise<string | null> {
  const lower = password.normalize("NFKC").toLowerCase();
  // Loaded by the first password, not by the start.
  const { COMMON_PASSWORDS } = await import("./common-password-set.ts");
  // Symbols at the end are what people add to get past rules.
  if ([lower, lower.replace(/[^\p{L}\p{N}]+$/u, "")].some((each) => COMMON_PASSWORDS.has(each))) {
    return "is one of those that are used most";
  }
  let rest = lower;
  for (const word of wordsOf(about)) rest = rest.replaceAll(word, "");
  const lettersLeft = [...rest.matchAll(/\p{L}/gu)].length;
  return rest !== lower && lettersLeft < MIN_OTHER_LETTERS ? "is hardly more than a name or an e-mail address" : null;
}

/** Longest first, so that a word within another leaves nothing of it. */
function wordsOf(about: readonly (string | null | undefined)[]): string[] {
  const texts = about.flatMap((text) =>
    text === null || text === undefined ? [] : text.normalize("NFKC").toLowerCase(),
  );
  const words = texts.flatMap((text) => [text, ...text.split(/[^\p{L}\p{N}]+/u)]);
  return [...new Set(words)]
    .filter((word) => [...word].length >= MIN_WORD_CHARACTERS)
    .sort((one, other) => other.length - one.length);
}
