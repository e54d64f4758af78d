import { type Clock, createId } from "@aerostack/kernel";
import type { JWTPayload } from "jose";
import type { EndUserRow } from "../users/store.ts";
import { SIGNING_ALGORITHM, type SigningKeys } from "./signing-keys.ts";

/** What an access token says, after its signature was checked. */
export interface AccessTokenClaims {
  readonly userId: string;
  readonly sessionId: string;
  readonly expiresAtMs: number;
  readonly payload: Readonly<Record<string, unknown>>;
}

export interface AccessTokenRequest {
  readonly projectId: string;
  readonly user: EndUserRow;
  readonly sessionId: string;
  /** How the user proved who they are (RFC 8176). */
  readonly methods: readonly string[];
  readonly lifetimeSeconds: number;
  readonly audience: string;
  /** Claims of the project's own; they never replace one of ours. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** Access tokens of end users: JWTs (RFC 7519) that anybody can check with the project's published keys. */
export interface EndUserAccessTokens {
  sign(request: AccessTokenRequest): Promise<{ readonly token: string; readonly expiresAtMs: number }>;
  /** `expired`: it was ours. `invalid`: it was not, or has been changed. */
  verify(projectId: string, audience: string, token: string): Promise<AccessTokenClaims | "expired" | "invalid">;
  issuerOf(projectId: string): string;
}

export interface EndUserAccessTokensOptions {
  readonly clock: Clock;
  readonly keys: SigningKeys;
  /** Where clients reach the server. */
  readonly origin: string;
}

export function createEndUserAccessTokens({ clock, keys, origin }: EndUserAccessTokensOptions): EndUserAccessTokens {
  function issuerOf(projectId: string): string {
    return `${origin}/api/v1/public/projects/${projectId}/auth`;
  }

  return {
    issuerOf,
    async sign({ projectId, user, sessionId, methods, lifetimeSeconds, audience, extra }) {
      const { SignJWT } = await import("jose");
      const { kid, key } = await keys.signerOf(projectId);
      const issuedAt = Math.floor(clock.now() / 1_000);
      const expiresAt = issuedAt + lifetimeSeconds;
      const claims = {
        ...withoutReserved(extra),
        sid: sessionId,
        project_id: projectId,
        amr: methods,
        ...(user.email === null ? {} : { email: user.email, email_verified: user.email_verified_at !== null }),
        ...(user.phone === null ? {} : { phone_number: user.phone }),
        ...(user.is_anonymous === 1 ? { is_anonymous: true } : {}),
      };
      const token = await new SignJWT(claims)
        .setProtectedHeader({ alg: SIGNING_ALGORITHM, kid, typ: "JWT" })
        .setIssuer(issuerOf(projectId))
        .setAudience(audience)
        .setSubject(user.id)
        .setJti(createId("jti", clock.now()))
        .setIssuedAt(issuedAt)
        .setExpirationTime(expiresAt)
        .sign(key);
      return { token, expiresAtMs: expiresAt * 1_000 };
    },

    async verify(projectId, audience, token) {
      const { jwtVerify, errors } = await import("jose");
      const verifying = (await keys.find(projectId))?.verifying;
      if (verifying === undefined) return "invalid";
      try {
        const { payload } = await jwtVerify(
          token,
          ({ kid = "" }) => {
            const key = verifying.get(kid);
            if (key === undefined) throw new Error("unknown key id");
            return key;
          },
          {
            algorithms: [SIGNING_ALGORITHM],
            issuer: issuerOf(projectId),
            audience,
            currentDate: new Date(clock.now()),
          },
        );
        return readClaims(payload) ?? "invalid";
      } catch (error) {
        return error instanceof errors.JWTExpired ? "expired" : "invalid";
      }
    },
  };
}

/** What tokens say themselves (RFC 7519, 4.1, and ours): nobody else says it for them. */
const RESERVED_CLAIMS: ReadonlySet<string> = new Set([
  ...["iss", "sub", "aud", "exp", "nbf", "iat", "jti"],
  ...["sid", "project_id", "amr", "email", "email_verified", "phone_number", "is_anonymous"],
]);

function withoutReserved(claims: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !RESERVED_CLAIMS.has(name)));
}

function readClaims(payload: JWTPayload): AccessTokenClaims | null {
  const { sub, sid, exp } = payload;
  if (sub === undefined || typeof sid !== "string" || exp === undefined) return null;
  return { userId: sub, sessionId: sid, expiresAtMs: exp * 1_000, payload };
}
