import {
  endUserAuthResponseSchema,
  endUserPasskeyLoginRequestSchema,
  endUserPasskeyOptionsResponseSchema,
  endUserPasskeyParamsSchema,
  endUserPasskeyRegisterRequestSchema,
  endUserPasskeyResponseSchema,
  endUserProjectParamsSchema,
  endUserSuccessSchema,
  listEndUserPasskeysResponseSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import type { PasskeyRow } from "../../identity/passkeys/passkeys.ts";
import { toIso, toIsoOrNull } from "../../kernel/page.ts";
import { type AuthRequests, END_USER_AUTH_PATH, END_USER_TAG } from "../auth-route.ts";
import type { SettingsReader } from "../settings/settings.ts";
import { showSignIn } from "../sign-in/show-sign-in.ts";
import type { UserRows } from "../users/user-directory.ts";
import type { Passkeys } from "./passkeys.ts";

export interface PasskeyRoutesOptions {
  readonly requests: AuthRequests;
  readonly settings: SettingsReader;
  readonly passkeys: Passkeys;
  readonly users: UserRows;
}

const MINE = `${END_USER_AUTH_PATH}/me/passkeys`;
const TOKEN_ERRORS = ["AUTH_TOKEN_INVALID", "AUTH_TOKEN_EXPIRED"] as const;

export function createPasskeyRoutes({ requests, settings, passkeys, users }: PasskeyRoutesOptions): readonly Route[] {
  return [
    defineRoute({
      method: "post",
      path: `${END_USER_AUTH_PATH}/passkeys/options`,
      summary: "Begin a log-in by passkey",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      response: { status: 200, schema: endUserPasskeyOptionsResponseSchema },
      errors: ["AUTH_METHOD_DISABLED"],
      handler: async ({ params }) => await passkeys.beginLogin(await requests.projectIdOf(params.project)),
    }),
    defineRoute({
      method: "post",
      path: `${END_USER_AUTH_PATH}/passkeys/verify`,
      summary: "Log in by passkey",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      body: endUserPasskeyLoginRequestSchema,
      response: { status: 200, schema: endUserAuthResponseSchema },
      errors: ["AUTH_INVALID_CREDENTIALS", "AUTH_TOKEN_INVALID", "AUTH_METHOD_DISABLED", "AUTH_USER_BLOCKED"],
      handler: async (input) => {
        const projectId = await requests.projectIdOf(input.params.project);
        const { challengeToken, response } = input.body;
        return showSignIn(await passkeys.logIn(projectId, challengeToken, response, requests.callerOf(input)));
      },
    }),
    defineRoute({
      method: "get",
      path: MINE,
      summary: "List the passkeys of the user that calls",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      response: { status: 200, schema: listEndUserPasskeysResponseSchema },
      errors: [...TOKEN_ERRORS],
      handler: async ({ params, request }) => {
        const { userId } = await requests.userOf(await requests.projectIdOf(params.project), request);
        return { passkeys: (await passkeys.list(userId)).map(showPasskey) };
      },
    }),
    defineRoute({
      method: "post",
      path: `${MINE}/options`,
      summary: "Begin to register a passkey",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      response: { status: 200, schema: endUserPasskeyOptionsResponseSchema },
      errors: [...TOKEN_ERRORS, "AUTH_METHOD_DISABLED", "CONFLICT"],
      handler: async ({ params, request }) => {
        const project = await requests.requireProject(params.project);
        const { userId } = await requests.userOf(project.id, request);
        const { appName } = await settings.of(project.id);
        return await passkeys.beginRegistration(await users.require(project.id, userId), appName ?? project.name);
      },
    }),
    defineRoute({
      method: "post",
      path: MINE,
      summary: "Register a passkey",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      body: endUserPasskeyRegisterRequestSchema,
      response: { status: 201, schema: endUserPasskeyResponseSchema },
      errors: [...TOKEN_ERRORS, "AUTH_METHOD_DISABLED", "CONFLICT"],
      handler: async ({ params, body, request }) => {
        const projectId = await requests.projectIdOf(params.project);
        const { userId } = await requests.userOf(projectId, request);
        const user = await users.require(projectId, userId);
        const row = await passkeys.register(user, body.challengeToken, body.response, body.name);
        return { success: true as const, passkey: showPasskey(row) };
      },
    }),
    defineRoute({
      method: "delete",
      path: `${MINE}/:passkey`,
      summary: "Remove a passkey of the user that calls",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserPasskeyParamsSchema,
      response: { status: 200, schema: endUserSuccessSchema },
      errors: [...TOKEN_ERRORS, "NOT_FOUND"],
      handler: async ({ params, request }) => {
        const projectId = await requests.projectIdOf(params.project);
        const { userId } = await requests.userOf(projectId, request);
        await passkeys.remove(projectId, userId, params.passkey);
        return { success: true as const };
      },
    }),
  ];
}

function showPasskey(row: PasskeyRow) {
  return {
    id: row.id,
    name: row.name,
    createdAt: toIso(row.created_at),
    lastUsedAt: toIsoOrNull(row.last_used_at),
    backedUp: row.is_backed_up === 1,
  };
}
