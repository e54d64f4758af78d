import { z } from "zod";
import { displayNameSchema } from "./common.ts";
import {
  endUserPasskeyOptionsResponseSchema,
  endUserPasskeySchema,
  webauthnResponseSchema,
} from "./end-user-factors.ts";

// Passkeys of accounts: to log in by alone, or as the second step after a password.

const challengeTokenSchema = z.string().min(1).max(200).describe("From the options; good once, for five minutes");

export const passkeyOptionsResponseSchema = endUserPasskeyOptionsResponseSchema;
export const passkeyAnswerSchema = z.object({ challengeToken: challengeTokenSchema, response: webauthnResponseSchema });
export const registerPasskeyRequestSchema = passkeyAnswerSchema.extend({ name: displayNameSchema(1).optional() });
export const passkeyStepRequestSchema = z.object({
  challengeToken: z.string().min(1).max(200).describe("From the log-in"),
  passkey: passkeyAnswerSchema.describe("With options of /api/auth/passkeys/options"),
});
export const passkeySchema = endUserPasskeySchema;
export const passkeyResponseSchema = z.object({ passkey: passkeySchema });
export const listPasskeysResponseSchema = z.object({
  passkeys: z.array(passkeySchema),
  secondStep: z.boolean().describe("A log-in by one factor asks for one of them"),
});
export const renamePasskeyRequestSchema = z.object({ name: displayNameSchema(1) });
export const passkeySecondStepRequestSchema = z.object({ required: z.boolean() });
export const passkeyParamsSchema = z.object({ passkey: z.string().min(1).max(2_000) });
