import { z } from "zod";
import { emailSchema } from "./accounts.ts";
import { timestampSchema } from "./common.ts";

// What the messages of a project's end users are made of.

const MAX_PASSWORD_CHARACTERS = 200;
const MAX_TOKEN_CHARACTERS = 400;
/** Of all custom fields of one user, as JSON. */
export const MAX_CUSTOM_FIELDS_BYTES = 8 * 1024;

export const endUserEmailSchema = emailSchema;
/** Its strength is judged by the project's password policy, with a code of its own (AUTH_PASSWORD_WEAK). */
export const endUserPasswordSchema = z.string().min(1).max(MAX_PASSWORD_CHARACTERS);
export const endUserTokenSchema = z.string().min(1).max(MAX_TOKEN_CHARACTERS);

export const customFieldsSchema = z
  .record(z.string().min(1).max(64), z.json())
  .refine(
    (fields) => new TextEncoder().encode(JSON.stringify(fields)).length <= MAX_CUSTOM_FIELDS_BYTES,
    `Custom fields have at most ${MAX_CUSTOM_FIELDS_BYTES} bytes as JSON.`,
  );
export type CustomFields = z.infer<typeof customFieldsSchema>;

export const endUserTurnstileTokenSchema = z
  .string()
  .max(4_000)
  .optional()
  .describe("Where the project asks for Turnstile");

export const endUserProjectParamsSchema = z.object({
  project: z.string().min(1).max(100).describe("The project's slug or id"),
});

/** E.164: a plus sign and up to 15 digits. Spaces, dashes and brackets that people type are left out. */
export const phoneSchema = z
  .string()
  .max(40)
  .transform((text) => text.replace(/[\s().-]/g, ""))
  .pipe(z.string().regex(/^\+[1-9]\d{6,14}$/, "A phone number with its country code, such as +14155550123."));

export const endUserRedirectToSchema = z
  .string()
  .max(2_000)
  .optional()
  .describe("Where the link leads; on the project's list, with `token` and `type` added to it");
export const endUserAgeConfirmedSchema = z.boolean().optional().describe("For new users: the person is 16 or older");

/** Both spellings of every field, because the public clients read one or the other. */
export const endUserSchema = z.object({
  id: z.uuid(),
  email: z.string().describe("A placeholder ending in .invalid for users without an address"),
  name: z.string().nullable(),
  phone: z.string().nullable(),
  avatarUrl: z.string().nullable(),
  avatar_url: z.string().nullable(),
  emailVerified: z.boolean(),
  email_verified_at: timestampSchema.nullable(),
  phoneVerified: z.boolean(),
  isAnonymous: z.boolean(),
  customFields: z.record(z.string(), z.json()),
  profile_extras: z.record(z.string(), z.json()),
  metadata: z.record(z.string(), z.json()),
  createdAt: timestampSchema,
  created_at: timestampSchema,
  updatedAt: timestampSchema,
  updated_at: timestampSchema,
});
export type EndUser = z.infer<typeof endUserSchema>;

/** Tokens where a log-in is complete; `requiresVerification` or `mfaRequired` where a step is left. */
export const endUserAuthResponseSchema = z.object({
  success: z.literal(true),
  message: z.string().optional(),
  token: z.string().optional().describe("Access token: a JWT of 15 minutes at most"),
  accessToken: z.string().optional().describe("The same as `token`"),
  refreshToken: z.string().optional().describe("Valid once: each use gives a new one"),
  expiresAt: timestampSchema.optional().describe("When the access token expires"),
  user: endUserSchema.optional(),
  requiresVerification: z.boolean().optional().describe("No tokens yet: the address must be confirmed first"),
  mfaRequired: z.boolean().optional().describe("No tokens yet: send a code with `mfaToken` to /mfa/verify"),
  mfaToken: z.string().optional(),
});
export type EndUserAuthResponse = z.infer<typeof endUserAuthResponseSchema>;

export const endUserSuccessSchema = z.object({ success: z.literal(true), message: z.string().optional() });

/** The user both as `user` and as the object itself. */
export const endUserMeResponseSchema = endUserSchema.extend({ user: endUserSchema });
