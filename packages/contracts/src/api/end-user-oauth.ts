import { z } from "zod";
import { timestampSchema } from "./common.ts";
import { endUserProjectParamsSchema, endUserRedirectToSchema, endUserTokenSchema } from "./end-user-model.ts";

// Log-in of end users through other providers.

export const endUserProviderParamsSchema = endUserProjectParamsSchema.extend({ provider: z.string().min(1).max(32) });
export const endUserOauthStartQuerySchema = z.object({
  redirectTo: endUserRedirectToSchema,
  codeChallenge: z
    .string()
    .regex(/^[\w-]{43}$/)
    .optional()
    .describe("S256 challenge (RFC 7636): the code is then good only with its verifier"),
  link: endUserTokenSchema.optional().describe("From POST /me/identities/{provider}"),
  ageConfirmed: z
    .enum(["true", "false"])
    .transform((text) => text === "true")
    .optional(),
});
export const endUserOauthTokenRequestSchema = z.object({
  code: endUserTokenSchema,
  codeVerifier: z
    .string()
    .regex(/^[\w.~-]{43,128}$/)
    .optional(),
});
export const endUserLinkRequestSchema = z.object({ redirectTo: endUserRedirectToSchema });
export const endUserLinkResponseSchema = z.object({ success: z.literal(true), url: z.string() });
export const endUserIdentitySchema = z.object({
  provider: z.string(),
  email: z.string().nullable(),
  createdAt: timestampSchema,
});
export const listEndUserIdentitiesResponseSchema = z.object({ identities: z.array(endUserIdentitySchema) });
