import {
  loginRequestSchema,
  logoutRequestSchema,
  refreshRequestSchema,
  registerRequestSchema,
  sessionResponseSchema,
  successSchema,
  userResponseSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import type { AccountService } from "./service.ts";
import type { Sessions } from "./sessions.ts";
import { showSession, showUser } from "./show-account.ts";

export interface AccountRoutesOptions {
  readonly accounts: AccountService;
  readonly sessions: Sessions;
}

const TAG = "Accounts";

export function accountRoutes({ accounts, sessions }: AccountRoutesOptions): readonly Route[] {
  return [
    defineRoute({
      method: "post",
      path: "/api/auth/register",
      summary: "Register an account",
      description: "Five a minute from one address.",
      tag: TAG,
      auth: "none",
      body: registerRequestSchema,
      response: { status: 201, schema: sessionResponseSchema },
      errors: ["AUTH_PASSWORD_WEAK", "AUTH_USER_EXISTS", "FORBIDDEN"],
      handler: async ({ body, clientAddress }) => showSession(await accounts.register(body, clientAddress)),
    }),
    defineRoute({
      method: "post",
      path: "/api/auth/login",
      summary: "Log in",
      description: "Ten a minute from one address, five in 15 minutes for one e-mail address.",
      tag: TAG,
      auth: "none",
      body: loginRequestSchema,
      response: { status: 200, schema: sessionResponseSchema },
      errors: ["AUTH_INVALID_CREDENTIALS"],
      handler: async ({ body, clientAddress }) =>
        showSession(await accounts.login(body.email, body.password, clientAddress)),
    }),
    defineRoute({
      method: "post",
      path: "/api/auth/refresh",
      summary: "Get new tokens for a refresh token",
      description: "Each refresh token is valid once. Using one twice ends its session.",
      tag: TAG,
      auth: "none",
      body: refreshRequestSchema,
      response: { status: 200, schema: sessionResponseSchema },
      errors: ["AUTH_TOKEN_INVALID", "AUTH_TOKEN_EXPIRED"],
      handler: async ({ body }) => showSession(await sessions.refresh(body.refreshToken)),
    }),
    defineRoute({
      method: "post",
      path: "/api/auth/logout",
      summary: "Log out",
      description: "Ends the session of the access token, of the refresh token in the body, or of both.",
      tag: TAG,
      auth: "none",
      body: logoutRequestSchema,
      response: { status: 200, schema: successSchema },
      handler: async ({ principal, body }) => {
        if (principal?.via === "session") await sessions.end(principal.credentialId);
        if (body.refreshToken !== undefined) await sessions.endByRefreshToken(body.refreshToken);
        return { success: true as const };
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
