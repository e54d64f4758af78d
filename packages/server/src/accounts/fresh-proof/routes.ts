import { freshProofRequestSchema, successSchema } from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import type { FreshProofs } from "./fresh-proof.ts";

export function freshProofRoutes(proofs: Pick<FreshProofs, "prove">): readonly Route[] {
  return [
    defineRoute({
      method: "post",
      path: "/api/auth/proof",
      summary: "Prove again who is at the session",
      description:
        "By the password, a code of the authenticator app, a recovery code, a passkey or a code by mail (/api/auth/code). It counts for ten minutes, as a log-in does, for whatever answers AUTH_PROOF_REQUIRED. Passwords: five a quarter of an hour; codes: after three wrong ones none is taken for 60 minutes.",
      tag: "Accounts",
      auth: "account",
      body: freshProofRequestSchema,
      response: { status: 200, schema: successSchema },
      errors: [
        "AUTH_INVALID_CREDENTIALS",
        "AUTH_OTP_INVALID",
        "AUTH_OTP_EXPIRED",
        "AUTH_TOKEN_INVALID",
        "CONFLICT",
        "FORBIDDEN",
      ],
      handler: async ({ principal, body, clientAddress }) => {
        await proofs.prove(principal, body, clientAddress);
        return { success: true as const };
      },
    }),
  ];
}
