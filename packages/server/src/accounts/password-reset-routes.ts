import { forgotPasswordRequestSchema, resetPasswordRequestSchema, successSchema } from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import type { PasswordReset } from "./password-reset.ts";

const TAG = "Accounts";

export function passwordResetRoutes(resets: PasswordReset): readonly Route[] {
  return [
    defineRoute({
      method: "post",
      path: "/api/auth/password/forgot",
      summary: "Ask for a link to set a new password",
      description:
        "The answer is the same whether the address has an account or not. Three in 15 minutes for one e-mail address, ten a minute from one address.",
      tag: TAG,
      auth: "none",
      body: forgotPasswordRequestSchema,
      response: { status: 200, schema: successSchema },
      handler: async ({ body, clientAddress }) => {
        await resets.request(body.email, clientAddress);
        return { success: true as const };
      },
    }),
    defineRoute({
      method: "post",
      path: "/api/auth/password/reset",
      summary: "Set a new password with the token of a link",
      description:
        "The token works once and for an hour. Ends all sessions of the account. Ten a minute from one address.",
      tag: TAG,
      auth: "none",
      body: resetPasswordRequestSchema,
      response: { status: 200, schema: successSchema },
      errors: ["AUTH_PASSWORD_WEAK", "AUTH_RESET_TOKEN_INVALID"],
      handler: async ({ body, clientAddress }) => {
        await resets.reset(body.token, body.newPassword, clientAddress);
        return { success: true as const };
      },
    }),
  ];
}
