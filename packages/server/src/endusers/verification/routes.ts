import {
  endUserEmailRequestSchema,
  endUserProjectParamsSchema,
  endUserResetPasswordRequestSchema,
  endUserSuccessSchema,
  endUserVerifyEmailQuerySchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import type { Limiter } from "../../kernel/limiter/limiter.ts";
import { requireAllowed } from "../../kernel/limiter/require-allowed.ts";
import { type AuthRequests, END_USER_AUTH_PATH, END_USER_TAG } from "../auth-route.ts";
import type { HumanCheck } from "../human-check/human-check.ts";
import { END_USER_LIMITS } from "../limits.ts";
import type { EndUserMessages } from "../messages/end-user-messages.ts";
import { requireAllowedRedirect } from "../messages/redirect-urls.ts";
import type { PasswordReset } from "../passwords/password-reset.ts";
import type { SettingsReader } from "../settings/settings.ts";
import type { ProvenIdentities } from "../sign-in/proven-identity.ts";
import type { EmailVerification } from "./email-verification.ts";

export interface VerificationRoutesOptions {
  readonly requests: AuthRequests;
  readonly human: HumanCheck;
  readonly limiter: Limiter;
  readonly settings: SettingsReader;
  readonly verification: EmailVerification;
  readonly reset: PasswordReset;
  readonly identities: ProvenIdentities;
  readonly messages: EndUserMessages;
}

/** Confirming an address, and setting a new password, by links in mails. */
export function createVerificationRoutes(options: VerificationRoutesOptions): readonly Route[] {
  const { requests, human, limiter, settings, verification, reset, identities, messages } = options;
  return [
    defineRoute({
      method: "get",
      path: `${END_USER_AUTH_PATH}/verify-email`,
      summary: "Confirm an e-mail address by the token of its link",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      query: endUserVerifyEmailQuerySchema,
      response: { status: 200, schema: endUserSuccessSchema },
      errors: ["AUTH_TOKEN_INVALID"],
      handler: async ({ params, query }) => {
        await verification.verify(await requests.projectIdOf(params.project), query.token);
        return { success: true as const, message: "The e-mail address is confirmed." };
      },
    }),
    defineRoute({
      method: "post",
      path: `${END_USER_AUTH_PATH}/resend-verification`,
      summary: "Send the link that confirms an e-mail address again",
      description: "Answers alike whether there is such a user or not. Three a minute for one address.",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      body: endUserEmailRequestSchema,
      response: { status: 200, schema: endUserSuccessSchema },
      handler: async ({ params, body: { email } }) => {
        const projectId = await requests.projectIdOf(params.project);
        await requireAllowed(limiter, `end-users:${projectId}:resend:${email}`, END_USER_LIMITS.resendPerEmail);
        messages.inBackground("sending a confirmation again", async () => {
          const user = await identities.find(projectId, { email });
          if (user !== undefined && user.email_verified_at === null) await verification.send(user);
        });
        return { success: true as const, message: "If this address waits to be confirmed, a link is on its way." };
      },
    }),
    defineRoute({
      method: "post",
      path: `${END_USER_AUTH_PATH}/reset-password-request`,
      summary: "Send a link that sets a new password",
      description: "Answers alike whether there is such a user or not. Three in 15 minutes for one address.",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      body: endUserEmailRequestSchema,
      response: { status: 200, schema: endUserSuccessSchema },
      handler: async ({ params, body: { email, redirectTo, turnstileToken } }) => {
        const projectId = await requests.projectIdOf(params.project);
        await human.require(projectId, turnstileToken);
        const { urls } = await settings.of(projectId);
        if (redirectTo !== undefined) requireAllowedRedirect(urls, redirectTo, "redirectTo");
        await requireAllowed(limiter, `end-users:${projectId}:reset:${email}`, END_USER_LIMITS.resetPerEmail);
        reset.request(projectId, email, redirectTo);
        return { success: true as const, message: "If this address has a user, a link is on its way." };
      },
    }),
    defineRoute({
      method: "post",
      path: `${END_USER_AUTH_PATH}/reset-password`,
      summary: "Set a new password by the token of its link",
      description: "Ends every session of the user.",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      body: endUserResetPasswordRequestSchema,
      response: { status: 200, schema: endUserSuccessSchema },
      errors: ["AUTH_RESET_TOKEN_INVALID", "AUTH_PASSWORD_WEAK"],
      handler: async ({ params, body }) => {
        await reset.reset(await requests.projectIdOf(params.project), body.token, body.newPassword);
        return { success: true as const, message: "The new password is set; log in with it." };
      },
    }),
  ];
}
