import {
  closeAccountRequestSchema,
  closeAccountResponseSchema,
  successSchema,
  verifyEmailRequestSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import { toIso } from "../../kernel/page.ts";
import type { AccountClosing } from "./account-closing.ts";

const TAG = "Accounts";

export function closingRoutes(closing: AccountClosing): readonly Route[] {
  return [
    defineRoute({
      method: "post",
      path: "/api/auth/account/close",
      summary: "Close the account",
      description:
        "With the password, and a code of the authenticator app where there is one. Sessions and keys stop at once, and so do projects that nobody else has a part in. A log-in within the time brings everything back; then it is deleted. The only owner of an organisation with other members gives it away first.",
      tag: TAG,
      auth: "account",
      body: closeAccountRequestSchema,
      response: { status: 200, schema: closeAccountResponseSchema },
      errors: ["AUTH_INVALID_CREDENTIALS", "AUTH_OTP_INVALID", "CONFLICT", "FORBIDDEN"],
      handler: async ({ principal, body: { password, code, recoveryCode } }) => {
        const factor = code === undefined && recoveryCode === undefined ? undefined : { code, recoveryCode };
        return { success: true as const, deletedOn: toIso(await closing.close(principal, { password, factor })) };
      },
    }),
    defineRoute({
      method: "post",
      path: "/api/auth/account/reopen",
      summary: "Reopen a closed account",
      description: "By the token of the link in the mail about its closing. Ten a minute from one address.",
      tag: TAG,
      auth: "none",
      body: verifyEmailRequestSchema,
      response: { status: 200, schema: successSchema },
      errors: ["AUTH_TOKEN_INVALID", "AUTH_INVALID_CREDENTIALS"],
      handler: async ({ body, clientAddress }) => {
        await closing.reopenByLink(body.token, clientAddress);
        return { success: true as const };
      },
    }),
  ];
}
