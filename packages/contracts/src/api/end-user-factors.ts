import { z } from "zod";
import { displayNameSchema, timestampSchema } from "./common.ts";
import { endUserProjectParamsSchema, endUserTokenSchema } from "./end-user-model.ts";

// Second factors and passkeys of end users.

export const sixDigitsSchema = z
  .string()
  .trim()
  .regex(/^\d{6}$/, "A code has six digits.");
const recoveryCodeSchema = z.string().trim().toLowerCase().max(40);

export const secondFactorShape = { code: sixDigitsSchema.optional(), recoveryCode: recoveryCodeSchema.optional() };
export const isOneFactor = (factor: { code?: string | undefined; recoveryCode?: string | undefined }): boolean =>
  (factor.code === undefined) !== (factor.recoveryCode === undefined);
export const ONE_FACTOR = { error: "Send either code or recoveryCode.", path: ["code"] };

export const endUserTotpSetupResponseSchema = z.object({
  success: z.literal(true),
  secret: z.string().describe("Base 32, for typing in"),
  otpauthUrl: z.string().describe("For a QR code"),
});
export const endUserTotpCodeRequestSchema = z.object({ code: sixDigitsSchema });
export const endUserRecoveryCodesResponseSchema = z.object({
  success: z.literal(true),
  recoveryCodes: z.array(z.string()).describe("Each works once in place of a code; shown this once"),
});
/** A code of the authenticator, or one of the recovery codes. */
export const endUserSecondFactorRequestSchema = z.object(secondFactorShape).refine(isOneFactor, ONE_FACTOR);
export type SecondFactor = z.infer<typeof endUserSecondFactorRequestSchema>;
export const endUserMfaVerifyRequestSchema = z
  .object({
    mfaToken: endUserTokenSchema,
    ...secondFactorShape,
  })
  .refine(isOneFactor, ONE_FACTOR);
export const endUserFactorsResponseSchema = z.object({
  totp: z.boolean(),
  recoveryCodesLeft: z.int(),
  passkeys: z.int(),
});

export const endUserPasskeyOptionsResponseSchema = z.object({
  challengeToken: z.string().describe("Goes back with the browser's answer"),
  options: z.record(z.string(), z.unknown()).describe("For navigator.credentials (WebAuthn Level 3, JSON forms)"),
});
export const webauthnResponseSchema = z
  .object({
    id: z.string().max(2_000),
    rawId: z.string().max(2_000),
    type: z.literal("public-key"),
    response: z.record(z.string(), z.unknown()),
    clientExtensionResults: z.record(z.string(), z.unknown()).default({}),
    authenticatorAttachment: z.string().max(50).nullish(),
  })
  .describe("What the browser answered (PublicKeyCredential.toJSON)");
export const endUserPasskeyRegisterRequestSchema = z.object({
  challengeToken: endUserTokenSchema,
  name: displayNameSchema(1).optional(),
  response: webauthnResponseSchema,
});
export const endUserPasskeyLoginRequestSchema = z.object({
  challengeToken: endUserTokenSchema,
  response: webauthnResponseSchema,
});
export const endUserPasskeySchema = z.object({
  id: z.string(),
  name: z.string().nullable(),
  createdAt: timestampSchema,
  lastUsedAt: timestampSchema.nullable(),
  backedUp: z.boolean().describe("It is synchronised over the user's devices"),
});
export const endUserPasskeyResponseSchema = z.object({ success: z.literal(true), passkey: endUserPasskeySchema });
export const listEndUserPasskeysResponseSchema = z.object({ passkeys: z.array(endUserPasskeySchema) });
export const endUserPasskeyParamsSchema = endUserProjectParamsSchema.extend({ passkey: z.string().min(1).max(2_000) });
