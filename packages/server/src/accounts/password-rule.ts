import { AerostackError } from "@aerostack/contracts";

const MIN_PASSWORD_CHARACTERS = 8;

const RULES: readonly (readonly [broken: (password: string) => boolean, text: string])[] = [
  [(password) => [...password].length < MIN_PASSWORD_CHARACTERS, `at least ${MIN_PASSWORD_CHARACTERS} characters`],
  [(password) => !/\p{Lu}/u.test(password), "an upper-case letter"],
  [(password) => !/\p{Ll}/u.test(password), "a lower-case letter"],
  [(password) => !/\p{Nd}/u.test(password), "a digit"],
];

/** @param field as the request calls it. @throws AUTH_PASSWORD_WEAK naming everything that is missing. */
export function requireStrongPassword(password: string, field = "password"): void {
  const missing = RULES.filter(([broken]) => broken(password)).map(([, text]) => text);
  if (missing.length === 0) return;
  throw new AerostackError("AUTH_PASSWORD_WEAK", {
    message: `The password needs ${missing.join(", ")}.`,
    details: { fieldErrors: { [field]: [`needs ${missing.join(", ")}`] } },
  });
}
