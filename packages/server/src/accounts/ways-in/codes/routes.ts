import {
  AerostackError,
  codeLoginRequestSchema,
  loginResponseSchema,
  sendCodeRequestSchema,
  successSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../../edge/define-route.ts";
import type { LogInAs } from "../../log-in-as.ts";
import { showLogin } from "../../show-account.ts";
import type { AccountCodes } from "./account-codes.ts";

const TAG = "Accounts";

export function codeRoutes(codes: AccountCodes, logInAs: LogInAs): readonly Route[] {
  return [
    defineRoute({
      method: "post",
      path: "/api/auth/code",
      summary: "Send a code to log in with by mail",
      description:
        "Six digits, good for ten minutes, once, where the address has an account and was verified; the answer is the same where not. Three a quarter of an hour to one address. After three wrong codes none is sent or taken for 60 minutes.",
      tag: TAG,
      auth: "none",
      body: sendCodeRequestSchema,
      response: { status: 200, schema: successSchema },
      handler: async ({ body, clientAddress }) => {
        await codes.send(body.email, clientAddress);
        return { success: true as const };
      },
    }),
    defineRoute({
      method: "post",
      path: "/api/auth/login/code",
      summary: "Log in by the code that was sent",
      description: "It is one factor: an account with a second step goes on with that.",
      tag: TAG,
      auth: "none",
      body: codeLoginRequestSchema,
      response: { status: 200, schema: loginResponseSchema },
      errors: ["AUTH_OTP_INVALID", "AUTH_OTP_EXPIRED"],
      handler: async ({ body, clientAddress }) => {
        const account = await codes.verify(body.email, body.code, clientAddress);
        if (account === undefined) throw new AerostackError("AUTH_OTP_EXPIRED");
        return showLogin(await logInAs(account));
      },
    }),
  ];
}
