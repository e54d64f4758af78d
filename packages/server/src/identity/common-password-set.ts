import { dictionary } from "@zxcvbn-ts/language-common";

const MIN_CHARACTERS = 8;

/** Some 18,000 passwords that leaks show most often, in lower case. It takes a tenth of a second to load: see who imports it. */
export const COMMON_PASSWORDS: ReadonlySet<string> = new Set(
  dictionary["passwords-common"].map(String).filter((password) => password.length >= MIN_CHARACTERS),
);
