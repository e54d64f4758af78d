import {
  AerostackError,
  challengeResponseSchema,
  changePasswordRequestSchema,
  jwksResponseSchema,
  loginRequestSchema,
  loginResponseSchema,
  logoutRequestSchema,
  refreshRequestSchema,
  registerRequestSchema,
  sessionResponseSchema,
  successSchema,
  userResponseSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import type { AccessTokens } from "./access-token.ts";
import type { ChallengeSettings } from "./human-check.ts";
import type { createPasswordChanger } from "./password-change.ts";
import type { AccountService } from "./service.ts";
import type { SessionCookies } from "./session-cookie.ts";
import type { Sessions } from "./sessions.ts";
import { showLogin, showSession, showUser } from "./show-account.ts";

export interface AccountRoutesOptions {
  readonly accounts: AccountService;
  readonly sessions: Sessions;
  readonly cookies: SessionCookies;
  readonly accessTokens: Pick<AccessTokens, "publicKeys">;
  readonly challenge: ChallengeSettings | undefined;
  readonly changePassword: ReturnType<typeof createPasswordChanger>;
}

const TAG = "Accounts";

export function accountRoutes(options: AccountRoutesOptions): readonly Route[] {
  const { accounts, sessions, cookies, accessTokens, challenge, changePassword } = options;
  return [
    defineRoute({
      method: "get",
      path: "/api/auth/jwks.json",
      summary: "Get the keys that access tokens are signed with",
      description: "A JSON Web Key Set (RFC 7517). Keys that were replaced stay until no token of theirs is valid.",
      tag: TAG,
      auth: "none",
      response: { status: 200, schema: jwksResponseSchema },
      handler: () => ({ keys: [...accessTokens.publicKeys] }),
    }),
    defineRoute({
      method: "post",
      path: "/api/auth/password/change",
      summary: "Change the account's password",
      description: "Ends all other sessions of the account. Five a quarter of an hour.",
      tag: TAG,
      auth: "account",
      body: changePasswordRequestSchema,
      response: { status: 200, schema: successSchema },
      errors: ["AUTH_INVALID_CREDENTIALS", "AUTH_PASSWORD_WEAK", "CONFLICT", "FORBIDDEN"],
      handler: async ({ principal, body }) => {
        await changePassword(principal, body);
        return { success: true as const };
      },
    }),
    defineRoute({
      method: "get",
      path: "/api/auth/challenge",
      summary: "Get what a page shows to ask whether a person is there",
      description:
        "At a registration, and after some log-ins with one e-mail address. The actions are `register` and `login`.",
      tag: TAG,
      auth: "none",
      response: { status: 200, schema: challengeResponseSchema },
      handler: () => ({ siteKey: challenge?.siteKey ?? null, scriptUrl: challenge?.scriptUrl ?? null }),
    }),
    defineRoute({
      method: "post",
      path: "/api/auth/register",
      summary: "Register an account",
      description:
        "The person must say to be 16 or older (`ageConfirmed`). Of who does not nothing is kept. Five a minute from one address.",
      tag: TAG,
      auth: "none",
      body: registerRequestSchema,
      response: { status: 201, schema: sessionResponseSchema },
      errors: ["AUTH_CAPTCHA_FAILED", "AUTH_PASSWORD_WEAK", "AUTH_USER_EXISTS", "FORBIDDEN"],
      handler: async ({ body, clientAddress }) => showSession(await accounts.register(body, clientAddress)),
    }),
    defineRoute({
      method: "post",
      path: "/api/auth/login",
      summary: "Log in",
      description:
        "Ten a minute from one address, five in 15 minutes for one e-mail address. Where the installation has a challenge, it is asked for from the fourth time in 15 minutes for one e-mail address on. An account with an authenticator app gets a challenge token for /api/auth/login/totp instead of a session.",
      tag: TAG,
      auth: "none",
      body: loginRequestSchema,
      response: { status: 200, schema: loginResponseSchema },
      errors: ["AUTH_CAPTCHA_FAILED", "AUTH_INVALID_CREDENTIALS"],
      handler: async ({ body, clientAddress }) => showLogin(await accounts.login(body, clientAddress)),
    }),
    defineRoute({
      method: "post",
      path: "/api/auth/refresh",
      summary: "Get new tokens for a refresh token",
      description:
        "Each refresh token is valid once. Using one twice ends its session. A page of this server sends `X-Aerostack-Session: cookie` here and at every log-in instead: the token is kept in an HttpOnly cookie then, and in no answer. Tabs of one browser take turns.",
      tag: TAG,
      auth: "none",
      body: refreshRequestSchema,
      response: { status: 200, schema: sessionResponseSchema },
      errors: ["AUTH_TOKEN_INVALID", "AUTH_TOKEN_EXPIRED", "FORBIDDEN"],
      handler: async ({ body, request }) => {
        const refreshToken = body.refreshToken ?? cookies.read(request);
        if (refreshToken === undefined) throw new AerostackError("AUTH_TOKEN_INVALID", { fix: "Log in." });
        return showSession(await sessions.refresh(refreshToken));
      },
    }),
    defineRoute({
      method: "post",
      path: "/api/auth/logout",
      summary: "Log out",
      description: "Ends the session of the access token, of the refresh token in the body or cookie, or of both.",
      tag: TAG,
      auth: "none",
      body: logoutRequestSchema,
      response: { status: 200, schema: successSchema },
      errors: ["FORBIDDEN"],
      handler: async ({ principal, body, request }) => {
        const refreshToken = body.refreshToken ?? cookies.read(request);
        if (principal?.via === "session") await sessions.end(principal.credentialId);
        if (refreshToken !== undefined) await sessions.endByRefreshToken(refreshToken);
        return cookies.forget(request, { success: true });
      },
    }),
    ...["/api/auth/me", "/api/v1/account"].map((path) =>
      defineRoute({
        method: "get",
        path,
        summary: "Get the account that calls",
        tag: TAG,
        auth: "account",
        response: { status: 200, schema: userResponseSchema },
        handler: async ({ principal }) => ({ user: showUser(await accounts.require(principal.accountId)) }),
      }),
    ),
  ];
}
