import type { Clock } from "@aerostack/kernel";
import type { CryptoKey, JWTPayload } from "jose";
import type { SigningKey } from "../kernel/secrets.ts";

export interface AccessTokenClaims {
  readonly accountId: string;
  readonly sessionId: string;
  readonly expiresAtMs: number;
}

/** Access tokens: JWTs (RFC 7519) signed with ES256, named by key id, for this server only. */
export interface AccessTokens {
  sign(accountId: string, sessionId: string): Promise<{ readonly token: string; readonly expiresAtMs: number }>;
  /** What a token says; null when it is not ours, was changed, or has expired. */
  verify(token: string): Promise<AccessTokenClaims | null>;
  /** What others need to check our tokens (RFC 7517): every key that may still verify one, and nothing secret. */
  readonly publicKeys: readonly Readonly<Record<string, string>>[];
}

/** Short, because a copy of a token is good until it expires or its session ends. */
export const ACCESS_TOKEN_LIFETIME_MS = 15 * 60_000;
const ALGORITHM = "ES256";
const AUDIENCE = "aerostack:management";

export interface AccessTokensOptions {
  /** Newest first: it signs, all verify. */
  readonly signingKeys: readonly [SigningKey, ...SigningKey[]];
  readonly issuer: string;
  readonly clock: Clock;
  readonly newId: () => string;
}

export function createAccessTokens({ signingKeys, issuer, clock, newId }: AccessTokensOptions): AccessTokens {
  // The library is loaded by the first log-in, not by the start.
  let loading: ReturnType<typeof load> | undefined;

  async function load() {
    const { SignJWT, importJWK, jwtVerify } = await import("jose");
    const [newest] = signingKeys;
    const privateKey = (await importJWK({ ...newest.privateJwk }, ALGORITHM)) as CryptoKey;
    const publicKeys = new Map<string | undefined, CryptoKey>();
    for (const { kid, publicJwk } of signingKeys) {
      publicKeys.set(kid, (await importJWK({ ...publicJwk }, ALGORITHM)) as CryptoKey);
    }
    return { SignJWT, jwtVerify, kid: newest.kid, privateKey, publicKeys };
  }

  function library(): ReturnType<typeof load> {
    loading ??= load();
    return loading;
  }

  return {
    publicKeys: signingKeys.map(({ kid, publicJwk: { kty = "", crv = "", x = "", y = "" } }) => ({
      kty,
      crv,
      x,
      y,
      kid,
      alg: ALGORITHM,
      use: "sig",
    })),
    async sign(accountId, sessionId) {
      const { SignJWT, kid, privateKey } = await library();
      const issuedAt = Math.floor(clock.now() / 1_000);
      const expiresAt = issuedAt + ACCESS_TOKEN_LIFETIME_MS / 1_000;
      const token = await new SignJWT({ sid: sessionId })
        .setProtectedHeader({ alg: ALGORITHM, kid, typ: "JWT" })
        .setIssuer(issuer)
        .setAudience(AUDIENCE)
        .setSubject(accountId)
        .setJti(newId())
        .setIssuedAt(issuedAt)
        .setExpirationTime(expiresAt)
        .sign(privateKey);
      return { token, expiresAtMs: expiresAt * 1_000 };
    },
    async verify(token) {
      const { jwtVerify, publicKeys } = await library();
      try {
        const { payload } = await jwtVerify(
          token,
          ({ kid }) => {
            const key = publicKeys.get(kid);
            if (key === undefined) throw new Error("unknown key id");
            return key;
          },
          {
            algorithms: [ALGORITHM],
            typ: "JWT",
            issuer,
            audience: AUDIENCE,
            currentDate: new Date(clock.now()),
            // Refuses tokens of the future, too.
            maxTokenAge: ACCESS_TOKEN_LIFETIME_MS / 1_000,
          },
        );
        return readClaims(payload);
      } catch {
        return null;
      }
    },
  };
}

function readClaims({ sub, sid, exp }: JWTPayload): AccessTokenClaims | null {
  if (sub === undefined || typeof sid !== "string" || exp === undefined) return null;
  return { accountId: sub, sessionId: sid, expiresAtMs: exp * 1_000 };
}

/** True for text that has the form of a JWT, so that keys are not taken for one. */
export function looksLikeJwt(text: string): boolean {
  return text.startsWith("eyJ") && text.split(".").length === 3;
}
