/** A derivation that is made slow on purpose, as the thread that does it gets it. */
export type HashJob =
  | {
      readonly kind: "pbkdf2";
      readonly digest: "sha1" | "sha256" | "sha512";
      readonly password: string;
      readonly salt: Uint8Array;
      readonly rounds: number;
      readonly bytes: number;
    }
  | {
      readonly kind: "scrypt";
      readonly password: string;
      readonly salt: Uint8Array;
      /** RFC 7914: cost, block size, parallelisation. */
      readonly n: number;
      readonly r: number;
      readonly p: number;
      readonly bytes: number;
    }
  | {
      readonly kind: "argon2";
      /** RFC 9106, version 0x13. */
      readonly variant: "argon2id" | "argon2i" | "argon2d";
      readonly password: string;
      readonly salt: Uint8Array;
      readonly memoryKib: number;
      readonly passes: number;
      readonly parallelism: number;
      readonly bytes: number;
    }
  | {
      readonly kind: "bcrypt";
      readonly password: string;
      /** With its cost and salt, as `$2b$…`. */
      readonly stored: string;
    };

/** What a job gives: the derived bytes; for bcrypt, the hash in the form of the stored one. */
export type HashResult = Uint8Array;
