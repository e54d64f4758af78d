import {
  endUserAuthResponseSchema,
  endUserMagicLinkRequestSchema,
  endUserMagicLinkVerifyRequestSchema,
  endUserOtpSendRequestSchema,
  endUserOtpVerifyRequestSchema,
  endUserProjectParamsSchema,
  endUserSuccessSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import type { OtpTarget } from "../../identity/one-time-codes.ts";
import type { Limiter } from "../../kernel/limiter/limiter.ts";
import { requireAllowed } from "../../kernel/limiter/require-allowed.ts";
import { type AuthRequests, END_USER_AUTH_PATH, END_USER_TAG } from "../auth-route.ts";
import type { HumanCheck } from "../human-check/human-check.ts";
import { END_USER_LIMITS } from "../limits.ts";
import { requireAllowedRedirect } from "../messages/redirect-urls.ts";
import type { SettingsReader } from "../settings/settings.ts";
import { showSignIn } from "../sign-in/show-sign-in.ts";
import type { MagicLinks } from "./magic-links.ts";
import type { OtpLogin } from "./otp-login.ts";

export interface CodeRoutesOptions {
  readonly requests: AuthRequests;
  readonly human: HumanCheck;
  readonly limiter: Limiter;
  readonly settings: SettingsReader;
  readonly otp: OtpLogin;
  readonly magicLinks: MagicLinks;
}

/** Log-in without a password: by a code or a link. */
export function createCodeRoutes(options: CodeRoutesOptions): readonly Route[] {
  const { requests, human, limiter, settings, otp, magicLinks } = options;
  return [
    defineRoute({
      method: "post",
      path: `${END_USER_AUTH_PATH}/otp/send`,
      summary: "Send a code of six digits",
      description:
        "To an e-mail address or a phone number. Answers alike whether there is such a user or not. Three in five minutes for one address or number; as many from each network that the user has logged in from.",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      body: endUserOtpSendRequestSchema,
      response: { status: 200, schema: endUserSuccessSchema },
      errors: ["AUTH_METHOD_DISABLED"],
      handler: async (input) => {
        const { params, body } = input;
        const projectId = await requests.projectIdOf(params.project);
        await human.require(projectId, body.turnstileToken);
        await otp.send(projectId, targetOf(body), requests.callerOf(input));
        return { success: true as const, message: "A code is on its way." };
      },
    }),
    defineRoute({
      method: "post",
      path: `${END_USER_AUTH_PATH}/otp/verify`,
      summary: "Log in by a code",
      description:
        "After three wrong codes no code is sent or taken for 60 minutes. Wrong codes from networks that the user has logged in from are counted by themselves.",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      body: endUserOtpVerifyRequestSchema,
      response: { status: 200, schema: endUserAuthResponseSchema },
      errors: ["AUTH_OTP_INVALID", "AUTH_OTP_EXPIRED", "AUTH_METHOD_DISABLED", "AUTH_USER_BLOCKED"],
      handler: async (input) => {
        const { params, body } = input;
        const projectId = await requests.projectIdOf(params.project);
        const anonymousUserId = await requests.anonymousUserIdOf(projectId, input.request);
        const newcomer = { ageConfirmed: body.ageConfirmed, anonymousUserId };
        return showSignIn(await otp.verify(projectId, targetOf(body), body.code, newcomer, requests.callerOf(input)));
      },
    }),
    defineRoute({
      method: "post",
      path: `${END_USER_AUTH_PATH}/magic-link`,
      summary: "Send a link that logs in",
      description:
        "The link carries a token that is good for 15 minutes and once. Answers alike whether there is such a user or not.",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      body: endUserMagicLinkRequestSchema,
      response: { status: 200, schema: endUserSuccessSchema },
      errors: ["AUTH_METHOD_DISABLED"],
      handler: async ({ params, body: { email, redirectTo, turnstileToken } }) => {
        const projectId = await requests.projectIdOf(params.project);
        await human.require(projectId, turnstileToken);
        const { urls } = await settings.of(projectId);
        if (redirectTo !== undefined) requireAllowedRedirect(urls, redirectTo, "redirectTo");
        await requireAllowed(limiter, `end-users:${projectId}:magic-link:${email}`, END_USER_LIMITS.magicLinkPerEmail);
        await magicLinks.send(projectId, email, redirectTo);
        return { success: true as const, message: "A link is on its way." };
      },
    }),
    defineRoute({
      method: "post",
      path: `${END_USER_AUTH_PATH}/magic-link/verify`,
      summary: "Log in by the token of a link",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      body: endUserMagicLinkVerifyRequestSchema,
      response: { status: 200, schema: endUserAuthResponseSchema },
      errors: ["AUTH_TOKEN_INVALID", "AUTH_USER_BLOCKED"],
      handler: async (input) => {
        const { params, body } = input;
        const projectId = await requests.projectIdOf(params.project);
        const anonymousUserId = await requests.anonymousUserIdOf(projectId, input.request);
        const newcomer = { ageConfirmed: body.ageConfirmed, anonymousUserId };
        return showSignIn(await magicLinks.verify(projectId, body.token, newcomer, requests.callerOf(input)));
      },
    }),
  ];
}

/** The schema lets exactly one of them through. */
function targetOf({
  email,
  phone,
}: {
  readonly email?: string | undefined;
  readonly phone?: string | undefined;
}): OtpTarget {
  return email === undefined ? { phone: phone ?? "" } : { email };
}
