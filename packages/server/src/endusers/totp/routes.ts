import {
  endUserAuthResponseSchema,
  endUserFactorsResponseSchema,
  endUserMfaVerifyRequestSchema,
  endUserProjectParamsSchema,
  endUserRecoveryCodesResponseSchema,
  endUserSecondFactorRequestSchema,
  endUserSuccessSchema,
  endUserTotpCodeRequestSchema,
  endUserTotpSetupResponseSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import { type AuthRequests, END_USER_AUTH_PATH, END_USER_TAG } from "../auth-route.ts";
import type { Passkeys } from "../passkeys/passkeys.ts";
import type { SettingsReader } from "../settings/settings.ts";
import { showSignIn } from "../sign-in/show-sign-in.ts";
import type { SignIn } from "../sign-in/sign-in.ts";
import type { UserRows } from "../users/user-directory.ts";
import type { SecondFactors } from "./second-factor.ts";

export interface TotpRoutesOptions {
  readonly requests: AuthRequests;
  readonly settings: SettingsReader;
  readonly factors: SecondFactors;
  readonly passkeys: Passkeys;
  readonly signIn: SignIn;
  readonly users: UserRows;
}

const TOTP = `${END_USER_AUTH_PATH}/me/totp`;
const TOKEN_ERRORS = ["AUTH_TOKEN_INVALID", "AUTH_TOKEN_EXPIRED"] as const;
const CODE_ERRORS = [...TOKEN_ERRORS, "AUTH_OTP_INVALID", "CONFLICT"] as const;

/** A second factor: an authenticator app, and recovery codes for who has lost it. */
export function createTotpRoutes(options: TotpRoutesOptions): readonly Route[] {
  const { requests, settings, factors, passkeys, signIn, users } = options;
  return [
    defineRoute({
      method: "post",
      path: `${END_USER_AUTH_PATH}/mfa/verify`,
      summary: "Finish a log-in by a second factor",
      description: "After three wrong codes none is taken for 60 minutes.",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      body: endUserMfaVerifyRequestSchema,
      response: { status: 200, schema: endUserAuthResponseSchema },
      errors: ["AUTH_TOKEN_INVALID", "AUTH_OTP_INVALID", "AUTH_USER_BLOCKED"],
      handler: async (input) => {
        const { mfaToken, ...factor } = input.body;
        const projectId = await requests.projectIdOf(input.params.project);
        return showSignIn(await signIn.verifySecondFactor(projectId, mfaToken, factor, requests.callerOf(input)));
      },
    }),
    defineRoute({
      method: "get",
      path: `${END_USER_AUTH_PATH}/me/factors`,
      summary: "Get which second factors the user that calls has",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      response: { status: 200, schema: endUserFactorsResponseSchema },
      errors: [...TOKEN_ERRORS],
      handler: async ({ params, request }) => {
        const projectId = await requests.projectIdOf(params.project);
        const { userId } = await requests.userOf(projectId, request);
        return {
          totp: await factors.isActive(userId),
          recoveryCodesLeft: await factors.countRecoveryCodes(userId),
          passkeys: (await passkeys.list(userId)).length,
        };
      },
    }),
    defineRoute({
      method: "post",
      path: TOTP,
      summary: "Begin to set up an authenticator app",
      description: "It counts once a code of it was sent to /me/totp/confirm.",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      response: { status: 200, schema: endUserTotpSetupResponseSchema },
      errors: [...TOKEN_ERRORS, "AUTH_METHOD_DISABLED", "CONFLICT"],
      handler: async ({ params, request }) => {
        const project = await requests.requireProject(params.project);
        const { userId } = await requests.userOf(project.id, request);
        const { appName } = await settings.of(project.id);
        const begun = await factors.begin(await users.require(project.id, userId), appName ?? project.name);
        return { success: true as const, ...begun };
      },
    }),
    defineRoute({
      method: "post",
      path: `${TOTP}/confirm`,
      summary: "Confirm an authenticator app by its first code",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      body: endUserTotpCodeRequestSchema,
      response: { status: 200, schema: endUserRecoveryCodesResponseSchema },
      errors: [...CODE_ERRORS],
      handler: async ({ params, body, request }) => {
        const { userId } = await requests.userOf(await requests.projectIdOf(params.project), request);
        return { success: true as const, recoveryCodes: [...(await factors.confirm(userId, body.code))] };
      },
    }),
    defineRoute({
      method: "post",
      path: `${TOTP}/recovery-codes`,
      summary: "Get new recovery codes in place of the old",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      body: endUserSecondFactorRequestSchema,
      response: { status: 200, schema: endUserRecoveryCodesResponseSchema },
      errors: [...CODE_ERRORS],
      handler: async ({ params, body, request }) => {
        const { userId } = await requests.userOf(await requests.projectIdOf(params.project), request);
        return { success: true as const, recoveryCodes: [...(await factors.renewRecoveryCodes(userId, body))] };
      },
    }),
    defineRoute({
      method: "delete",
      path: TOTP,
      summary: "Remove the authenticator app and the recovery codes",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      body: endUserSecondFactorRequestSchema,
      response: { status: 200, schema: endUserSuccessSchema },
      errors: [...CODE_ERRORS],
      handler: async ({ params, body, request }) => {
        const { userId } = await requests.userOf(await requests.projectIdOf(params.project), request);
        await factors.remove(userId, body);
        return { success: true as const };
      },
    }),
  ];
}
