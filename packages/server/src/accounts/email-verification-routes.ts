import { resendVerificationRequestSchema, successSchema, verifyEmailRequestSchema } from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import type { EmailVerification } from "./email-verification.ts";

const TAG = "Accounts";

export function emailVerificationRoutes(verification: EmailVerification): readonly Route[] {
  return [
    defineRoute({
      method: "post",
      path: "/api/auth/verify-email",
      summary: "Verify an account's e-mail address",
      description:
        "By the token of the link in the mail; it works once and for 24 hours. Ten a minute from one address.",
      tag: TAG,
      auth: "none",
      body: verifyEmailRequestSchema,
      response: { status: 200, schema: successSchema },
      errors: ["AUTH_TOKEN_INVALID"],
      handler: async ({ body, clientAddress }) => {
        await verification.verify(body.token, clientAddress);
        return { success: true as const };
      },
    }),
    defineRoute({
      method: "post",
      path: "/api/auth/verify-email/resend",
      summary: "Ask for another link to verify an e-mail address",
      description:
        "The answer is the same whether the address has an account or not. Three a minute for one e-mail address, ten a minute from one address.",
      tag: TAG,
      auth: "none",
      body: resendVerificationRequestSchema,
      response: { status: 200, schema: successSchema },
      handler: async ({ body, clientAddress }) => {
        await verification.resend(body.email, clientAddress);
        return { success: true as const };
      },
    }),
  ];
}
