import {
  listPasskeysResponseSchema,
  passkeyAnswerSchema,
  passkeyOptionsResponseSchema,
  passkeyParamsSchema,
  passkeyResponseSchema,
  passkeySecondStepRequestSchema,
  passkeyStepRequestSchema,
  registerPasskeyRequestSchema,
  renamePasskeyRequestSchema,
  sessionResponseSchema,
  successSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../../edge/define-route.ts";
import type { PasskeyRow } from "../../../identity/passkeys/passkeys.ts";
import { toIso, toIsoOrNull } from "../../../kernel/page.ts";
import { showSession } from "../../show-account.ts";
import type { AccountPasskeys } from "./account-passkeys.ts";
import type { PasskeyLogIn } from "./passkey-log-in.ts";

const TAG = "Accounts";
const PASSKEYS = "/api/auth/passkeys";

export function passkeyRoutes(passkeys: AccountPasskeys, logIn: PasskeyLogIn): readonly Route[] {
  return [
    defineRoute({
      method: "post",
      path: `${PASSKEYS}/options`,
      summary: "Begin a log-in by passkey, or the second step of another",
      description: "Thirty a minute from one address.",
      tag: TAG,
      auth: "none",
      response: { status: 200, schema: passkeyOptionsResponseSchema },
      errors: ["AUTH_METHOD_DISABLED"],
      handler: ({ clientAddress }) => logIn.begin(clientAddress),
    }),
    defineRoute({
      method: "post",
      path: "/api/auth/login/passkey",
      summary: "Log in by passkey",
      description: "It is two factors, so that no other is asked for.",
      tag: TAG,
      auth: "none",
      body: passkeyAnswerSchema,
      response: { status: 200, schema: sessionResponseSchema },
      errors: ["AUTH_INVALID_CREDENTIALS", "AUTH_TOKEN_INVALID", "AUTH_METHOD_DISABLED"],
      handler: async ({ body }) => showSession(await logIn.finish(body)),
    }),
    defineRoute({
      method: "post",
      path: "/api/auth/login/second-step/passkey",
      summary: "Finish a log-in by a passkey as the second step",
      tag: TAG,
      auth: "none",
      body: passkeyStepRequestSchema,
      response: { status: 200, schema: sessionResponseSchema },
      errors: ["AUTH_INVALID_CREDENTIALS", "AUTH_TOKEN_INVALID", "AUTH_METHOD_DISABLED"],
      handler: async ({ body }) => showSession(await logIn.finishSecondStep(body.challengeToken, body.passkey)),
    }),
    defineRoute({
      method: "get",
      path: PASSKEYS,
      summary: "List the account's passkeys",
      tag: TAG,
      auth: "account",
      response: { status: 200, schema: listPasskeysResponseSchema },
      handler: async ({ principal }) => {
        const { passkeys: rows, secondStep } = await passkeys.list(principal.accountId);
        return { passkeys: rows.map(showPasskey), secondStep };
      },
    }),
    defineRoute({
      method: "post",
      path: `${PASSKEYS}/register-options`,
      summary: "Begin to add a passkey",
      tag: TAG,
      auth: "account",
      freshProof: true,
      response: { status: 200, schema: passkeyOptionsResponseSchema },
      errors: ["AUTH_PROOF_REQUIRED", "AUTH_METHOD_DISABLED", "CONFLICT", "FORBIDDEN"],
      handler: ({ principal }) => passkeys.beginRegistration(principal),
    }),
    defineRoute({
      method: "post",
      path: PASSKEYS,
      summary: "Add a passkey",
      description: "At most twenty.",
      tag: TAG,
      auth: "account",
      freshProof: true,
      body: registerPasskeyRequestSchema,
      response: { status: 201, schema: passkeyResponseSchema },
      errors: ["AUTH_PROOF_REQUIRED", "AUTH_TOKEN_INVALID", "AUTH_METHOD_DISABLED", "CONFLICT", "FORBIDDEN"],
      handler: async ({ principal, body: { challengeToken, response, name } }) => ({
        passkey: showPasskey(await passkeys.register(principal, { challengeToken, response, name })),
      }),
    }),
    defineRoute({
      method: "put",
      path: `${PASSKEYS}/second-step`,
      summary: "Say whether a log-in by one factor asks for a passkey as the second",
      tag: TAG,
      auth: "account",
      freshProof: true,
      body: passkeySecondStepRequestSchema,
      response: { status: 200, schema: successSchema },
      errors: ["AUTH_PROOF_REQUIRED", "CONFLICT", "FORBIDDEN"],
      handler: async ({ principal, body }) => {
        await passkeys.setSecondStep(principal, body.required);
        return { success: true as const };
      },
    }),
    defineRoute({
      method: "patch",
      path: `${PASSKEYS}/:passkey`,
      summary: "Rename a passkey",
      tag: TAG,
      auth: "account",
      params: passkeyParamsSchema,
      body: renamePasskeyRequestSchema,
      response: { status: 200, schema: passkeyResponseSchema },
      errors: ["NOT_FOUND", "FORBIDDEN"],
      handler: async ({ principal, params, body }) => ({
        passkey: showPasskey(await passkeys.rename(principal, params.passkey, body.name)),
      }),
    }),
    defineRoute({
      method: "delete",
      path: `${PASSKEYS}/:passkey`,
      summary: "Remove a passkey",
      description: "Not the last way to log in. With the last passkey, it is no longer asked for as a second step.",
      tag: TAG,
      auth: "account",
      freshProof: true,
      params: passkeyParamsSchema,
      response: { status: 200, schema: successSchema },
      errors: ["AUTH_PROOF_REQUIRED", "NOT_FOUND", "CONFLICT", "FORBIDDEN"],
      handler: async ({ principal, params }) => {
        await passkeys.remove(principal, params.passkey);
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
