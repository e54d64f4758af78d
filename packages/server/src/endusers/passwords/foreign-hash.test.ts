import { describe, expect, it } from "vitest";
import { createPasswordHasher } from "../../kernel/crypto/password-hash.ts";
import { readForeignHash } from "./foreign-hash.ts";
import { createStoredPasswords } from "./stored-passwords.ts";

/** Published by others: the tests of bcrypt and argon2, RFC 7914, RFC 6070. */
const KNOWN: readonly (readonly [form: string, password: string, stored: string])[] = [
  ["bcrypt 2a", "U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"],
  ["bcrypt 2b", "abc", "$2b$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"],
  [
    "scrypt (RFC 7914)",
    "pleaseletmein",
    `$scrypt$ln=14,r=8,p=1$${b64("SodiumChloride")}$${hex("7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887")}`,
  ],
  [
    "PBKDF2-SHA1 (RFC 6070)",
    "password",
    `$pbkdf2-sha1$i=4096$${b64("salt")}$${hex("4b007901b765489abead49d926f721d065a429c1")}`,
  ],
  ["argon2id", "password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"],
  ["argon2i", "password", "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA"],
];

function b64(text: string): string {
  return Buffer.from(text).toString("base64").replace(/=+$/, "");
}
function hex(text: string): string {
  return Buffer.from(text, "hex").toString("base64").replace(/=+$/, "");
}

describe("password hashes of other systems", () => {
  const hasher = createPasswordHasher(1_000, { threads: 1 });
  const passwords = createStoredPasswords(hasher);

  it.each(KNOWN)("%s opens for its password, is made anew, and for no other", async (_form, password, stored) => {
    expect(await passwords.verify(password, stored)).toEqual({ valid: true, rehash: true });
    expect(await passwords.verify(`${password}x`, stored)).toEqual({ valid: false, rehash: false });
  });

  it("PBKDF2 opens as Django and passlib write it", async () => {
    const salt = Buffer.from("seasalt >?~");
    const job = { kind: "pbkdf2", digest: "sha256", password: "lètmein", salt, rounds: 1_000, bytes: 32 } as const;
    const hash = Buffer.from(await hasher.derive(job)).toString("base64");
    const passlib = (text: string) => text.replace(/=+$/, "").replaceAll("+", ".");
    const forms = [
      `pbkdf2_sha256$1000$${salt}$${hash}`,
      `$pbkdf2-sha256$1000$${passlib(salt.toString("base64"))}$${passlib(hash)}`,
    ];
    for (const stored of forms)
      expect(await passwords.verify("lètmein", stored), stored).toMatchObject({ valid: true });
  });

  it.each([
    ["nothing", ""],
    ["no form that is known", "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99"],
    ["a plain password", "password"],
    ["a bcrypt that takes minutes", `$2b$31$${"a".repeat(53)}`],
    ["an argon2 that takes all memory", `$argon2id$v=19$m=99999999,t=2,p=1$c29tZXNhbHQ$${"a".repeat(43)}`],
    ["an argon2 without passes", `$argon2id$v=19$m=65536,t=0,p=1$c29tZXNhbHQ$${"a".repeat(43)}`],
    ["a scrypt that takes all memory", `$scrypt$ln=30,r=8,p=1$c2FsdA$${"a".repeat(43)}`],
    ["a PBKDF2 that takes minutes", `$pbkdf2-sha256$i=99999999$c2FsdA$${"a".repeat(43)}`],
    ["a hash too short to mean anything", "$pbkdf2-sha256$i=1000$c2FsdA$YQ"],
    ["a text without end", `$2b$05$${"a".repeat(10_000)}`],
  ])("are not taken from %s", (_what, stored) => {
    expect(readForeignHash(stored)).toBeNull();
  });
});
