import { createHmac, createPublicKey, generateKeyPairSync, type JsonWebKey, type KeyObject, sign } from "node:crypto";
import { expect, it } from "vitest";
import { createTestApp, createTestSecrets, TEST_PASSWORD } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";

type Part = Record<string, unknown>;
const encode = (part: Part) => Buffer.from(JSON.stringify(part)).toString("base64url");
const decode = (part = "") => JSON.parse(Buffer.from(part, "base64url").toString()) as Part;

function es256(header: Part, payload: Part, key: KeyObject | JsonWebKey): string {
  const text = `${encode(header)}.${encode(payload)}`;
  const input =
    "asymmetricKeyType" in key ? { key: key as KeyObject } : { key: key as JsonWebKey, format: "jwk" as const };
  return `${text}.${sign("sha256", Buffer.from(text), { ...input, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

describeEachControlDatabase("P30 access tokens", (openDatabase) => {
  async function open() {
    const secrets = createTestSecrets();
    const test = await createTestApp(await openDatabase(), { secrets });
    const ada = await test.createDeveloper("ada@example.com");
    const token = ada.bearer.authorization.slice(7);
    const [header, payload] = token.split(".").slice(0, 2).map(decode) as [Part, Part];
    const status = async (sent: string) =>
      (await test.call("GET", "/api/auth/me", { headers: { authorization: `Bearer ${sent}` } })).status;
    return { ...test, secrets, ada, token, header, payload, status, own: secrets.signingKeys[0].privateJwk };
  }

  it("pass only as we signed them: no other algorithm, key, audience, issuer or time, whatever their header says", async () => {
    const { secrets, token, header, payload, status, own } = await open();
    const stranger = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const jwk = stranger.publicKey.export({ format: "jwk" });
    const pem = createPublicKey({ key: { ...secrets.signingKeys[0].publicJwk }, format: "jwk" })
      .export({ type: "spki", format: "pem" })
      .toString();
    const hs256 = (key: string) => {
      const text = `${encode({ ...header, alg: "HS256" })}.${encode(payload)}`;
      return `${text}.${createHmac("sha256", key).update(text).digest("base64url")}`;
    };
    const byStranger = (extra: Part) => es256({ ...header, ...extra }, payload, stranger.privateKey);
    const seconds = Number(payload.iat);
    const [first, second, signature = ""] = token.split(".");
    const hostile: Record<string, string> = {
      "alg none": `${encode({ ...header, alg: "none" })}.${encode(payload)}.`,
      "alg None": `${encode({ ...header, alg: "None" })}.${encode(payload)}.`,
      "without signature": `${first}.${second}.`,
      "zero signature": `${first}.${second}.${Buffer.alloc(64).toString("base64url")}`,
      "HS256 with the public key as PEM": hs256(pem),
      "HS256 with the public key as JWK": hs256(JSON.stringify(secrets.signingKeys[0].publicJwk)),
      "another key": byStranger({}),
      "own key in the header": byStranger({ jwk }),
      jku: byStranger({ jku: "https://evil.example/jwks.json" }),
      x5u: byStranger({ x5u: "https://evil.example/cert.pem" }),
      x5c: byStranger({ x5c: ["MIIB"] }),
      "kid with a path": byStranger({ kid: "../../../dev/null" }),
      "kid with SQL": byStranger({ kid: "test' or '1'='1" }),
      "kid of the prototype": byStranger({ kid: "__proto__" }),
      "without kid": es256({ alg: "ES256", typ: "JWT" }, payload, own),
      "another typ": es256({ ...header, typ: "at+jwt" }, payload, own),
      "unknown critical header": es256({ ...header, crit: ["x"], x: 1 }, payload, own),
      "another audience": es256(header, { ...payload, aud: "another" }, own),
      "without audience": es256(header, { ...payload, aud: undefined }, own),
      "another issuer": es256(header, { ...payload, iss: "https://evil.example" }, own),
      expired: es256(header, { ...payload, iat: seconds - 2_000, exp: seconds - 1_000 }, own),
      "without end": es256(header, { ...payload, exp: undefined }, own),
      "longer than 15 minutes": es256(header, { ...payload, iat: seconds - 1_000, exp: seconds + 9_000 }, own),
      "not before the future": es256(header, { ...payload, nbf: seconds + 600 }, own),
      "issued in the future": es256(header, { ...payload, iat: seconds + 600, exp: seconds + 1_200 }, own),
      "of no session": es256(header, { ...payload, sid: undefined }, own),
      "of an unknown session": es256(header, { ...payload, sid: "ses_none" }, own),
      "of another account": es256(header, { ...payload, sub: "usr_none" }, own),
      "changed payload": `${first}.${encode({ ...payload, sub: "usr_none" })}.${signature}`,
      "four parts": `${token}.x`,
      oversized: `${first}.${second}.${"A".repeat(5_000)}`,
    };
    expect(await status(token)).toBe(200);
    // The test's own way of signing is not what makes the others fail.
    expect(await status(es256(header, payload, own))).toBe(200);
    for (const [name, sent] of Object.entries(hostile)) expect([name, await status(sent)]).toEqual([name, 401]);
  });

  it("of a signing key that was replaced are good until they end, and its public half is shown until then", async () => {
    const sql = await openDatabase();
    const old = createTestSecrets();
    const before = await createTestApp(sql, { secrets: old });
    const ada = await before.createDeveloper("ada@example.com");
    const [key] = createTestSecrets().signingKeys;
    const signingKeys = [{ ...key, kid: "newer" }, ...old.signingKeys] as const;
    const after = await createTestApp(sql, { secrets: { ...old, signingKeys }, clock: before.clock });
    expect((await after.call("GET", "/api/auth/me", { headers: ada.bearer })).status).toBe(200);
    const body = { email: "ada@example.com", password: TEST_PASSWORD };
    const { token } = (await after.call("POST", "/api/auth/login", { body })).body;
    expect(decode(token.split(".")[0])).toMatchObject({ kid: "newer", alg: "ES256" });
    const { keys } = (await after.call("GET", "/api/auth/jwks.json")).body;
    expect(keys.map(({ kid }: { kid: string }) => kid)).toEqual(["newer", "test"]);
    for (const shown of keys) expect(Object.keys(shown).sort()).toEqual(["alg", "crv", "kid", "kty", "use", "x", "y"]);
  });

  it("and refresh tokens: 50 uses of one at once leave no session, and its owner is told once", async () => {
    const { call, ada, readMail } = await open();
    const uses = await Promise.all(
      Array.from({ length: 50 }, () => call("POST", "/api/auth/refresh", { body: { refreshToken: ada.refreshToken } })),
    );
    const won = uses.filter(({ status }) => status === 200);
    expect(won.length).toBeLessThanOrEqual(1);
    for (const { body } of won) {
      const again = await call("POST", "/api/auth/refresh", { body: { refreshToken: body.refreshToken } });
      expect(again.status).toBe(401);
      const me = await call("GET", "/api/auth/me", { headers: { authorization: `Bearer ${body.token}` } });
      expect(me.status).toBe(401);
    }
    expect((await readMail("ada@example.com")).map(({ kind }) => kind)).toEqual(["refresh-reuse"]);
    const notices = await call("GET", "/api/v1/account/notices", { headers: { "x-api-key": ada.accountKey } });
    expect(notices.body.notices).toMatchObject([{ template: "refresh-reuse", severity: "critical" }]);
  });
});
