import { randomBytes, randomUUID } from "node:crypto";
import { randomText } from "@aerostack/kernel";
import { describe, expect, it } from "vitest";
import { createEnvelope } from "../kernel/crypto/envelope.ts";
import { newKey } from "../kernel/crypto/new-key.ts";
import { sealedColumns } from "../sealed-columns.ts";
import { createSecretMask, MASK } from "./mask-secrets.ts";

const mask = createSecretMask(sealedColumns);
const masked = (value: unknown): string => JSON.stringify(mask(value));
const random = (length: number): string => randomBytes(length).toString("base64url").slice(0, length);

/** Names under which a secret is one, whatever its form. */
const SECRET_FIELDS = [
  "password",
  "newPassword",
  "current_password",
  "password_hash",
  "passwordHash",
  "secret",
  "clientSecret",
  "client_secret",
  "webhookSecret",
  "secretAccessKey",
  "secret_access_key",
  "signingSecret",
  "token",
  "accessToken",
  "refresh_token",
  "apiKey",
  "api_key",
  "API-Key",
  "x-api-key",
  "authorization",
  "Cookie",
  "set-cookie",
  "privateKey",
  "private_jwk",
  "privateJwk",
  "signingKey",
  "masterKey",
  "encryption_key",
  "value",
  "otp",
  "code",
  "recoveryCodes",
  "totpSecret",
  "totp_seed",
  "credentials",
  "connectionString",
  "smtpPassword",
  "SMTP_PASSWORD",
  "codeVerifier",
  "hash",
  "key",
] as const;

/** Forms that give a secret away under any name. */
const SECRET_TEXTS = {
  "an account key": newKey("ak").secret,
  "a project key": newKey("sk").secret,
  "a refresh token": `rt_${randomText(50)}`,
  "a JSON web token": `eyJ${random(20)}.eyJ${random(40)}.${random(43)}`,
  "a password in a URL": `postgres://shop:${random(16)}@db.example.com/shop`,
  "a key in a URL": `https://example.com/hook?token=${random(24)}`,
  "a header": `Bearer ${random(32)}`,
  "a private key": `-----BEGIN PRIVATE KEY-----\n${randomBytes(48).toString("base64")}\n-----END PRIVATE KEY-----`,
  "a sealed value": createEnvelope([{ id: "mk_test", key: randomBytes(32) }]).seal("x", "y"),
  "a password hash": `pbkdf2-sha256$600000$${random(22)}$${random(43)}`,
  "an Argon2 hash": `$argon2id$v=19$m=65536,t=3,p=4$${random(22)}$${random(43)}`,
  "a GitHub token": `ghp_${randomUUID().replaceAll("-", "")}abcd`,
  "a Stripe key": `sk_live_${randomUUID().replaceAll("-", "")}`,
  "a webhook secret": `whsec_${random(32)}`,
  "an AWS key id": `AKIA${"ABCDEFGH12345678"}`,
  "a Slack token": `xoxb-${random(24)}`,
  "an OpenAI key": `sk-proj-${random(32)}`,
  "a Resend key": `re_${randomUUID().replaceAll("-", "")}`,
} as const;

describe("the mask of the audit log", () => {
  it("lets no secret of the corpus through, under any of its names, at any depth", () => {
    for (const name of SECRET_FIELDS) {
      const secret = random(24);
      for (const value of [
        { [name]: secret },
        { provider: { google: { [name]: secret } } },
        { list: [{ [name]: [secret, { inner: secret }] }] },
        { [`old_${name}`]: secret },
        { [name]: { nested: { text: secret } } },
      ]) {
        expect(masked(value), `${name} in ${JSON.stringify(value)}`).not.toContain(secret);
      }
    }
  });

  it("lets no secret through by its form, in any text, list or name of a field", () => {
    for (const [what, secret] of Object.entries(SECRET_TEXTS)) {
      const core = secret.slice(-12);
      for (const value of [secret, `see ${secret} there`, { note: secret }, [[secret]], { [secret]: 1 }]) {
        // What follows the password of a URL is its host, which is no secret.
        const text = masked(value);
        if (what === "a password in a URL") expect(text).not.toContain(secret.slice(0, secret.indexOf("@")));
        else expect(text, what).not.toContain(core);
      }
    }
  });

  it("masks whatever column of the database is sealed", () => {
    for (const { table, column } of sealedColumns) {
      const secret = random(24);
      expect(masked({ [column]: secret }), `${table}.${column}`).not.toContain(secret);
    }
  });

  it("keeps what is no secret, so that the log says something", () => {
    const facts = {
      name: "Shop",
      keyId: "key_1",
      tokenLifetimeSeconds: 900,
      secretName: "API_URL",
      hasPassword: true,
      password: null,
      otpEnabled: false,
      codeLength: 6,
      passwordMinLength: 8,
      scopes: ["db:read"],
      expiresAt: "2026-01-01T00:00:00.000Z",
      url: "https://example.com/hook",
      slug: "my-shop",
    };
    expect(mask(facts)).toEqual(facts);
  });

  it("stands what is no data: depth, bytes, names of prototypes", () => {
    const deep: Record<string, unknown> = {};
    let inner = deep;
    for (let level = 0; level < 100; level++) {
      const next = {};
      inner.down = next;
      inner = next;
    }
    expect(masked(deep)).toContain("too deep");
    expect(masked({ bytes: Buffer.from("secret bytes") })).toBe('{"bytes":"[bytes]"}');
    expect(masked(JSON.parse('{"__proto__":{"password":"x1x1x1"}}'))).toBe(`{"__proto__":{"password":"${MASK}"}}`);
  });
});
