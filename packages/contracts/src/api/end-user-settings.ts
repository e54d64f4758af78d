import { z } from "zod";

// How one project's end users log in. Every part has a default: a project without settings works.

const MINUTE_SECONDS = 60;
/** An access token that was copied is good for as long as it lives, so projects may only shorten it. */
export const MAX_ACCESS_TOKEN_SECONDS = 15 * MINUTE_SECONDS;

export const passwordPolicySchema = z.strictObject({
  minLength: z.int().min(8).max(128).default(8),
  requireUppercase: z.boolean().default(true),
  requireLowercase: z.boolean().default(true),
  requireDigit: z.boolean().default(true),
  requireSymbol: z.boolean().default(false),
});
export type PasswordPolicy = z.infer<typeof passwordPolicySchema>;

export const jwtSettingsSchema = z.strictObject({
  accessTokenSeconds: z.int().min(MINUTE_SECONDS).max(MAX_ACCESS_TOKEN_SECONDS).default(MAX_ACCESS_TOKEN_SECONDS),
  refreshTokenDays: z.int().min(1).max(365).default(30),
  audience: z
    .string()
    .min(1)
    .max(200)
    .nullable()
    .default(null)
    .describe("`aud` of access tokens; the project's id by default"),
});

export const endUserSettingsSchema = z.strictObject({
  signUp: z.enum(["open", "closed"]).default("open").describe("Closed: only the project itself makes users"),
  requireEmailVerification: z.boolean().default(false).describe("No tokens before the address is confirmed"),
  requireAgeConfirmation: z.boolean().default(false).describe("Sign-up must say that the person is 16 or older"),
  password: passwordPolicySchema.prefault({}),
  jwt: jwtSettingsSchema.prefault({}),
});
export type EndUserSettings = z.infer<typeof endUserSettingsSchema>;

/** What of the settings changes, as a JSON merge patch (RFC 7396): parts left out stay, null goes back to the default. */
export const updateEndUserSettingsRequestSchema = z
  .record(z.string(), z.json())
  .describe("A JSON merge patch of the settings: what is left out stays, null goes back to the default");

export const endUserSettingsResponseSchema = z.object({ settings: endUserSettingsSchema });
