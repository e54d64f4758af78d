import type { PasswordHasher } from "../../kernel/crypto/password-hash.ts";
import { readForeignHash } from "./foreign-hash.ts";

/** Checks a password against what is stored of it, by us or by the system that a user was imported from. */
export interface StoredPasswords {
  /** `rehash`: the password is right, and what is stored is not what we would store today. */
  verify(password: string, stored: string): Promise<{ readonly valid: boolean; readonly rehash: boolean }>;
}

const OWN_FORM = "pbkdf2-sha256$";

export function createStoredPasswords(hasher: PasswordHasher): StoredPasswords {
  return {
    async verify(password, stored) {
      if (stored.startsWith(OWN_FORM)) return await hasher.verify(password, stored);
      const foreign = readForeignHash(stored);
      if (foreign === null) throw new Error("a password is stored in a form that is not known");
      const valid = foreign.matches(await hasher.derive(foreign.jobFor(password)));
      return { valid, rehash: valid };
    },
  };
}
