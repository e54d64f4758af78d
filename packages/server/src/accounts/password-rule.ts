import { AerostackError } from "@aerostack/contracts";
import { guessableBy } from "../identity/guessable-password.ts";

const MIN_PASSWORD_CHARACTERS = 8;
const PRODUCT = "aerostack";

const RULES: readonly (readonly [broken: (password: string) => boolean, text: string])[] = [
  [(password) => [...password].length < MIN_PASSWORD_CHARACTERS, `at least ${MIN_PASSWORD_CHARACTERS} characters`],
  [(password) => !/\p{Lu}/u.test(password), "an upper-case letter"],
  [(password) => !/\p{Ll}/u.test(password), "a lower-case letter"],
  [(password) => !/\p{Nd}/u.test(password), "a digit"],
];

/** Whose password it is to be. */
export interface PasswordOwner {
  readonly email: string;
  readonly name?: string | null | undefined;
}

/** @throws AUTH_PASSWORD_WEAK naming everything that is missing, or why it would be guessed */
export type RequireStrongPassword = (password: string, owner: PasswordOwner, field?: string) => Promise<void>;

/** @param origin of the installation, whose name no password may be */
export function createPasswordRule(origin: () => string): RequireStrongPassword {
  return async (password, { email, name }, field = "password") => {
    const missing = RULES.filter(([broken]) => broken(password)).map(([, text]) => text);
    if (missing.length > 0) throw weakPassword(field, `needs ${missing.join(", ")}`);
    const reason = await guessableBy(password, [PRODUCT, new URL(origin()).hostname, email, name]);
    if (reason !== null) throw weakPassword(field, reason);
  };
}

function weakPassword(field: string, reason: string): AerostackError {
  return new AerostackError("AUTH_PASSWORD_WEAK", {
    message: `The password ${reason}.`,
    details: { fieldErrors: { [field]: [reason] } },
  });
}
