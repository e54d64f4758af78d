import { z } from "zod";
import { passkeyAnswerSchema } from "./account-passkeys.ts";
import { secondFactorShape, sixDigitsSchema } from "./end-user-factors.ts";

// The proof that whoever is at a session is still the account's owner.

const PROOFS = ["password", "code", "recoveryCode", "emailCode", "passkey"] as const;

export const freshProofRequestSchema = z
  .object({
    password: z.string().min(1).max(200).optional(),
    ...secondFactorShape,
    emailCode: sixDigitsSchema.optional().describe("Sent by /api/auth/code to the account's address"),
    passkey: passkeyAnswerSchema.optional().describe("With options of /api/auth/passkeys/options"),
  })
  .refine((proof) => PROOFS.filter((name) => proof[name] !== undefined).length === 1, {
    error: `Send one of ${PROOFS.join(", ")}.`,
    path: ["password"],
  });
export type FreshProof = z.infer<typeof freshProofRequestSchema>;

/** Where the password is asked for again; an account without one has to have a fresh proof instead. */
export const passwordAgainRequestSchema = z.object({ password: z.string().min(1).max(200).optional() });
