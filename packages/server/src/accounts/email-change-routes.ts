import { emailChangeRequestSchema, successSchema, verifyEmailRequestSchema } from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import type { EmailChange } from "./email-change.ts";

const TAG = "Accounts";
const PATH = "/api/auth/email/change";

export function emailChangeRoutes(emailChange: EmailChange): readonly Route[] {
  return [
    defineRoute({
      method: "post",
      path: PATH,
      summary: "Ask for another e-mail address",
      description:
        "The new address gets a link that confirms, the old one a link that stops the change or takes it back for seven days. The answer is the same where the new address has an account. Five a quarter of an hour.",
      tag: TAG,
      auth: "account",
      body: emailChangeRequestSchema,
      response: { status: 200, schema: successSchema },
      errors: ["AUTH_INVALID_CREDENTIALS", "FORBIDDEN"],
      handler: async ({ principal, body }) => {
        await emailChange.request(principal, body);
        return { success: true as const };
      },
    }),
    defineRoute({
      method: "post",
      path: `${PATH}/confirm`,
      summary: "Confirm a new e-mail address",
      description: "By the token of the link that the new address got; it works once and for 24 hours.",
      tag: TAG,
      auth: "none",
      body: verifyEmailRequestSchema,
      response: { status: 200, schema: successSchema },
      errors: ["AUTH_TOKEN_INVALID", "AUTH_USER_EXISTS"],
      handler: async ({ body, clientAddress }) => {
        await emailChange.confirm(body.token, clientAddress);
        return { success: true as const };
      },
    }),
    defineRoute({
      method: "post",
      path: `${PATH}/revoke`,
      summary: "Stop a change of the e-mail address, or take it back",
      description:
        "By the token of the link that the old address got; it works once and for seven days. Ends every session, removes keys, passkeys, linked log-ins and an authenticator app that came since the change was asked for, tells the owner so, and mails a link for a new password.",
      tag: TAG,
      auth: "none",
      body: verifyEmailRequestSchema,
      response: { status: 200, schema: successSchema },
      errors: ["AUTH_TOKEN_INVALID", "AUTH_USER_EXISTS"],
      handler: async ({ body, clientAddress }) => {
        await emailChange.revoke(body.token, clientAddress);
        return { success: true as const };
      },
    }),
  ];
}
