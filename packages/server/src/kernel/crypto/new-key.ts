import { randomText } from "@aerostack/kernel";
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

/** @param kind the letters before the underscore, such as `ak`. */
export function newKey(kind: string): NewKey {
  const secret = `${kind}_${randomText(RANDOM_CHARACTERS)}`;
  return { secret, hash: hashToken(secret), prefix: secret.slice(0, kind.length + 1 + SHOWN_CHARACTERS) };
}
