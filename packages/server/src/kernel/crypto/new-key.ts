import { randomText } from "@aerostack/kernel";
import { CHECKSUM_CHARACTERS, keyChecksum } from "./key-checksum.ts";
import { hashToken } from "./token-hash.ts";

/** A new key: shown once, stored as its hash, recognised by its first characters. */
export interface NewKey {
  readonly secret: string;
  readonly hash: string;
  readonly prefix: string;
}

/** 200 random bits. */
const RANDOM_CHARACTERS = 40;
/** Of the random part; enough to tell keys of one project apart, too little to guess the rest. */
const SHOWN_CHARACTERS = 6;
const BODY_WITH_CHECKSUM = RANDOM_CHARACTERS + CHECKSUM_CHARACTERS;

/**
 * `<kind>_` + 40 random characters + 6 of a checksum over all before.
 *
 * @param kind the letters before the underscore, such as `ak`.
 */
export function newKey(kind: string): NewKey {
  const body = `${kind}_${randomText(RANDOM_CHARACTERS)}`;
  const secret = body + keyChecksum(body);
  return { secret, hash: hashToken(secret), prefix: secret.slice(0, kind.length + 1 + SHOWN_CHARACTERS) };
}

/**
 * False for text that cannot be one of our keys, so that nobody has to be asked about it. Keys that were made before
 * there were checksums have 40 characters after the underscore, and may be any.
 */
export function mayBeKey(text: string): boolean {
  const body = text.slice(text.indexOf("_") + 1);
  if (body.length !== BODY_WITH_CHECKSUM) return true;
  return text.endsWith(keyChecksum(text.slice(0, -CHECKSUM_CHARACTERS)));
}
