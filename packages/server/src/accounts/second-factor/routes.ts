import {
  passwordAgainRequestSchema,
  recoveryCodesResponseSchema,
  sessionResponseSchema,
  successSchema,
  totpCodeRequestSchema,
  totpFactorRequestSchema,
  totpLoginRequestSchema,
  totpSetupResponseSchema,
  totpStateResponseSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import type { FreshProofs } from "../fresh-proof/fresh-proof.ts";
import { showSession } from "../show-account.ts";
import type { AccountSecondFactors } from "./second-factor.ts";

const TAG = "Accounts";
const TOTP = "/api/auth/totp";
const CODE_ERRORS = ["AUTH_OTP_INVALID", "CONFLICT", "FORBIDDEN"] as const;
const ATTEMPTS = "After three wrong codes none is taken for 60 minutes.";

export function secondFactorRoutes(
  factors: AccountSecondFactors,
  proofs: Pick<FreshProofs, "requirePassword">,
): readonly Route[] {
  return [
    defineRoute({
      method: "post",
      path: "/api/auth/login/totp",
      summary: "Finish a log-in by a code of the authenticator app, or a recovery code",
      description: ATTEMPTS,
      tag: TAG,
      auth: "none",
      body: totpLoginRequestSchema,
      response: { status: 200, schema: sessionResponseSchema },
      errors: ["AUTH_TOKEN_INVALID", "AUTH_OTP_INVALID", "CONFLICT"],
      handler: async ({ body: { challengeToken, ...factor } }) =>
        showSession(await factors.finishLogin(challengeToken, factor)),
    }),
    defineRoute({
      method: "get",
      path: TOTP,
      summary: "Get whether the account logs in by an authenticator app, too",
      tag: TAG,
      auth: "account",
      response: { status: 200, schema: totpStateResponseSchema },
      handler: ({ principal }) => factors.state(principal.accountId),
    }),
    defineRoute({
      method: "post",
      path: `${TOTP}/begin`,
      summary: "Begin to set up an authenticator app",
      description: `It counts once a code of it was sent to ${TOTP}/confirm. The password is asked for again; an account without one needs a fresh proof (/api/auth/proof).`,
      tag: TAG,
      auth: "account",
      body: passwordAgainRequestSchema,
      response: { status: 200, schema: totpSetupResponseSchema },
      errors: ["AUTH_PROOF_REQUIRED", "AUTH_INVALID_CREDENTIALS", "CONFLICT", "FORBIDDEN"],
      handler: async ({ principal, body }) => {
        await proofs.requirePassword(principal, body.password);
        return await factors.begin(principal);
      },
    }),
    defineRoute({
      method: "post",
      path: `${TOTP}/confirm`,
      summary: "Confirm the authenticator app by its first code",
      description: `Answers ten recovery codes, which are not shown again. ${ATTEMPTS}`,
      tag: TAG,
      auth: "account",
      body: totpCodeRequestSchema,
      response: { status: 200, schema: recoveryCodesResponseSchema },
      errors: [...CODE_ERRORS],
      handler: async ({ principal, body }) => ({ recoveryCodes: [...(await factors.confirm(principal, body.code))] }),
    }),
    defineRoute({
      method: "post",
      path: `${TOTP}/recovery-codes`,
      summary: "Get new recovery codes in place of the old",
      description: ATTEMPTS,
      tag: TAG,
      auth: "account",
      body: totpCodeRequestSchema,
      response: { status: 200, schema: recoveryCodesResponseSchema },
      errors: [...CODE_ERRORS],
      handler: async ({ principal, body }) => ({
        recoveryCodes: [...(await factors.renewRecoveryCodes(principal, body.code))],
      }),
    }),
    defineRoute({
      method: "post",
      path: `${TOTP}/disable`,
      summary: "Log in without the authenticator app from now on",
      description: `Needs a code of it, or a recovery code. ${ATTEMPTS}`,
      tag: TAG,
      auth: "account",
      body: totpFactorRequestSchema,
      response: { status: 200, schema: successSchema },
      errors: [...CODE_ERRORS],
      handler: async ({ principal, body }) => {
        await factors.disable(principal, body);
        return { success: true as const };
      },
    }),
  ];
}
