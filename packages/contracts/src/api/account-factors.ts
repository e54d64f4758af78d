import { z } from "zod";
import { sessionResponseSchema } from "./accounts.ts";
import { isOneFactor, ONE_FACTOR, secondFactorShape, sixDigitsSchema } from "./end-user-factors.ts";

// The second step of accounts' log-in: an authenticator app, and recovery codes for who has lost it.

const challengeTokenSchema = z.string().min(1).max(200).describe("Valid for ten minutes and one session");

export const SECOND_STEP_METHODS = ["totp", "recovery-code", "passkey"] as const;
export type SecondStepMethod = (typeof SECOND_STEP_METHODS)[number];

/** Tokens, or what an account with a second step goes on with. */
export const loginResponseSchema = z.union([
  sessionResponseSchema,
  z.object({
    mfaRequired: z.literal(true),
    challengeToken: challengeTokenSchema,
    methods: z
      .array(z.enum(SECOND_STEP_METHODS))
      // What a server from before there were others means.
      .default(["totp", "recovery-code"])
      .describe("Any one of them finishes the log-in"),
  }),
]);
export const totpLoginRequestSchema = z
  .object({ challengeToken: challengeTokenSchema, ...secondFactorShape })
  .refine(isOneFactor, ONE_FACTOR);

export const totpStateResponseSchema = z.object({ enabled: z.boolean(), recoveryCodesLeft: z.int() });
export const totpSetupResponseSchema = z.object({
  secret: z.string().describe("Base 32, for typing in"),
  otpauthUrl: z.string().describe("For a QR code"),
});
export const totpCodeRequestSchema = z.object({ code: sixDigitsSchema });
export const totpFactorRequestSchema = z.object(secondFactorShape).refine(isOneFactor, ONE_FACTOR);
export const recoveryCodesResponseSchema = z.object({
  recoveryCodes: z.array(z.string()).describe("Each works once in place of a code; shown this once"),
});
