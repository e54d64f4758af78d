import {
  endUserAuthResponseSchema,
  endUserLoginRequestSchema,
  endUserLogoutRequestSchema,
  endUserProjectParamsSchema,
  endUserRefreshRequestSchema,
  endUserRegisterRequestSchema,
  endUserSessionParamsSchema,
  endUserSuccessSchema,
  jwksResponseSchema,
  listEndUserSessionsResponseSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import { toIso } from "../kernel/page.ts";
import { type AuthRequests, END_USER_AUTH_PATH, END_USER_TAG } from "./auth-route.ts";
import type { HumanCheck } from "./human-check/human-check.ts";
import type { EndUserService } from "./service.ts";
import type { EndUserSessions } from "./sessions/sessions.ts";
import type { SigningKeys } from "./sessions/signing-keys.ts";
import type { EndUserSessionRow } from "./sessions/store.ts";
import type { VerifyEndUserToken } from "./sessions/token-verifier.ts";
import { showSignedIn } from "./show-user.ts";
import { showSignIn } from "./sign-in/show-sign-in.ts";

export interface EndUserRoutesOptions {
  readonly requests: AuthRequests;
  readonly human: HumanCheck;
  readonly service: EndUserService;
  readonly sessions: EndUserSessions;
  readonly keys: SigningKeys;
  readonly verifyToken: VerifyEndUserToken;
}

const JWKS_MAX_AGE_SECONDS = 60;

/** What end users call themselves: no key is needed, and browsers of any origin may. */
export function createEndUserRoutes(options: EndUserRoutesOptions): readonly Route[] {
  const { requests, human, service, sessions, keys, verifyToken } = options;
  return [
    defineRoute({
      method: "post",
      path: `${END_USER_AUTH_PATH}/register`,
      summary: "Register a user of a project",
      description: "Five a minute from one address.",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      body: endUserRegisterRequestSchema,
      response: { status: 201, schema: endUserAuthResponseSchema },
      errors: ["AUTH_PASSWORD_WEAK", "AUTH_USER_EXISTS", "FORBIDDEN"],
      handler: async (input) => {
        const projectId = await requests.projectIdOf(input.params.project);
        await human.require(projectId, input.body.turnstileToken);
        return showSignIn(await service.register(projectId, input.body, requests.callerOf(input)));
      },
    }),
    defineRoute({
      method: "post",
      path: `${END_USER_AUTH_PATH}/login`,
      summary: "Log a user in by e-mail address and password",
      description: "Ten a minute from one address, five in 15 minutes for one e-mail address.",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      body: endUserLoginRequestSchema,
      response: { status: 200, schema: endUserAuthResponseSchema },
      errors: ["AUTH_INVALID_CREDENTIALS", "AUTH_EMAIL_NOT_VERIFIED", "AUTH_USER_BLOCKED"],
      handler: async (input) => {
        const projectId = await requests.projectIdOf(input.params.project);
        const { email, password, turnstileToken } = input.body;
        await human.require(projectId, turnstileToken);
        return showSignIn(await service.login(projectId, email, password, requests.callerOf(input)));
      },
    }),
    defineRoute({
      method: "post",
      path: `${END_USER_AUTH_PATH}/refresh`,
      summary: "Get new tokens for a user's refresh token",
      description: "Each refresh token is valid once. Using one twice ends its session.",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      body: endUserRefreshRequestSchema,
      response: { status: 200, schema: endUserAuthResponseSchema },
      errors: ["AUTH_TOKEN_INVALID", "AUTH_TOKEN_EXPIRED"],
      handler: async ({ params, body }) => {
        const projectId = await requests.projectIdOf(params.project);
        return showSignedIn(await sessions.refresh(projectId, body.refreshToken));
      },
    }),
    defineRoute({
      method: "post",
      path: `${END_USER_AUTH_PATH}/logout`,
      summary: "Log a user out",
      description: "Ends the sessions of the access token (header or body) and of the refresh token.",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      body: endUserLogoutRequestSchema,
      response: { status: 200, schema: endUserSuccessSchema },
      handler: async ({ params, body, request }) => {
        const projectId = await requests.projectIdOf(params.project);
        const tokens = new Set([requests.bearerOf(request), body.accessToken]);
        for (const token of tokens) {
          const user = token === undefined ? null : await verifyToken(projectId, token);
          if (user !== null) await sessions.end(user.sessionId);
        }
        if (body.refreshToken !== undefined) await sessions.endByRefreshToken(projectId, body.refreshToken);
        return { success: true as const };
      },
    }),
    defineRoute({
      method: "get",
      path: `${END_USER_AUTH_PATH}/sessions`,
      summary: "List the sessions of the user that calls",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      response: { status: 200, schema: listEndUserSessionsResponseSchema },
      errors: ["AUTH_TOKEN_INVALID", "AUTH_TOKEN_EXPIRED"],
      handler: async ({ params, request }) => {
        const { userId, sessionId } = await requests.userOf(await requests.projectIdOf(params.project), request);
        return { sessions: (await sessions.list(userId)).map((row) => showSession(row, sessionId)) };
      },
    }),
    defineRoute({
      method: "delete",
      path: `${END_USER_AUTH_PATH}/sessions/:session`,
      summary: "End a session of the user that calls",
      description: "Its access tokens are refused within a second.",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserSessionParamsSchema,
      response: { status: 200, schema: endUserSuccessSchema },
      errors: ["AUTH_TOKEN_INVALID", "AUTH_TOKEN_EXPIRED", "NOT_FOUND"],
      handler: async ({ params, request }) => {
        const projectId = await requests.projectIdOf(params.project);
        const { userId } = await requests.userOf(projectId, request);
        await sessions.endOne(projectId, userId, params.session);
        return { success: true as const };
      },
    }),
    defineRoute({
      method: "delete",
      path: `${END_USER_AUTH_PATH}/sessions`,
      summary: "End all sessions of the user that calls",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      response: { status: 200, schema: endUserSuccessSchema },
      errors: ["AUTH_TOKEN_INVALID", "AUTH_TOKEN_EXPIRED"],
      handler: async ({ params, request }) => {
        const { userId } = await requests.userOf(await requests.projectIdOf(params.project), request);
        await sessions.endAllOf(userId, "ended by its user");
        return { success: true as const };
      },
    }),
    defineRoute({
      method: "get",
      path: `${END_USER_AUTH_PATH}/.well-known/jwks.json`,
      summary: "Get the keys that a project's access tokens are signed with",
      description: "A JSON Web Key Set (RFC 7517), for whoever checks tokens without asking this server.",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      response: { status: 200, schema: jwksResponseSchema },
      handler: async ({ params }) => {
        const { published } = await keys.of(await requests.projectIdOf(params.project));
        return Response.json(
          { keys: published },
          { headers: { "cache-control": `public, max-age=${JWKS_MAX_AGE_SECONDS}` } },
        );
      },
    }),
  ];
}

function showSession(row: EndUserSessionRow, currentId: string) {
  return {
    id: row.id,
    current: row.id === currentId,
    createdAt: toIso(row.created_at),
    lastUsedAt: toIso(row.last_used_at),
    ip: row.ip,
    userAgent: row.user_agent,
    methods: row.methods.split(" "),
  };
}
