import { z } from "zod";
import { displayNameSchema } from "./common.ts";
import {
  customFieldsSchema,
  endUserAgeConfirmedSchema,
  endUserEmailSchema,
  endUserMeResponseSchema,
  endUserPasswordSchema,
  endUserProjectParamsSchema,
  endUserRedirectToSchema,
  endUserTurnstileTokenSchema,
} from "./end-user-model.ts";

// What end users change of themselves, and how anonymous ones become somebody.

export const MAX_AVATAR_BYTES = 5 * 1024 * 1024;
const avatarUrlSchema = z
  .string()
  .max(2_000)
  .refine((text) => /^https?:\/\//.test(text) && URL.canParse(text), "An http or https URL.");

/** What a user changes of themselves; null removes, what is left out stays. */
export const endUserProfileRequestSchema = z.object({
  name: displayNameSchema(1).nullable().optional(),
  avatar_url: avatarUrlSchema.nullable().optional(),
  avatarUrl: avatarUrlSchema.nullable().optional(),
  avatar_image_id: z.string().max(100).optional().describe("From POST /me/avatar"),
  customFields: customFieldsSchema.optional().describe("Merged with what is there; null removes a field"),
});
export type EndUserProfileRequest = z.infer<typeof endUserProfileRequestSchema>;

export const endUserAvatarResponseSchema = endUserMeResponseSchema.extend({
  avatar_image_id: z.string(),
  message: z.string(),
});
export const endUserMessageResponseSchema = z.object({ success: z.literal(true), message: z.string() });
export const endUserAvatarParamsSchema = endUserProjectParamsSchema.extend({
  user: z.uuid(),
  image: z.string().min(1).max(100),
});

export const endUserAnonymousRequestSchema = z.object({
  customFields: customFieldsSchema.optional(),
  turnstileToken: endUserTurnstileTokenSchema,
  ageConfirmed: endUserAgeConfirmedSchema,
});
export const endUserUpgradeRequestSchema = z.object({
  email: endUserEmailSchema,
  password: endUserPasswordSchema,
  name: displayNameSchema(1).optional(),
});
export const endUserChangePasswordRequestSchema = z.object({
  currentPassword: endUserPasswordSchema.optional().describe("Needed where the user has a password"),
  newPassword: endUserPasswordSchema,
});
export const endUserChangeEmailRequestSchema = z.object({
  email: endUserEmailSchema,
  redirectTo: endUserRedirectToSchema,
});
export const endUserDeleteRequestSchema = z.object({
  password: endUserPasswordSchema.optional().describe("Needed where the user has a password"),
});
