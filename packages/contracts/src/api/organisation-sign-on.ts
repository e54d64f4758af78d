import { z } from "zod";
import { logInProviderQuerySchema } from "./account-providers.ts";
import { emailSchema } from "./accounts.ts";
import { timestampSchema } from "./common.ts";
import { issuerSchema } from "./end-user-settings.ts";
import { organisationParamsSchema } from "./organisations.ts";

// Single sign-on of an organisation, by a provider of OpenID Connect of its own.

const MAX_ROLES = 100;
const lineSchema = (maximum: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(maximum)
    .regex(/^[^\p{Cc}]*$/u, "No control characters.");

const roleOfGroupSchema = z.object({
  group: lineSchema(200).describe("As the provider calls it"),
  role: z.string().min(1).max(100).describe("A built-in role's name or a custom role's id; never `owner`"),
});

const signOnShape = {
  enabled: z.boolean().default(true),
  issuer: issuerSchema,
  clientId: lineSchema(300),
  groupsClaim: lineSchema(100).default("groups").describe("Which claim of the ID token lists the groups"),
  roles: z.array(roleOfGroupSchema).max(MAX_ROLES).default([]).describe("The first group that somebody has decides"),
  defaultRole: z
    .string()
    .min(1)
    .max(100)
    .nullable()
    .default(null)
    .describe("For who has none of the groups; null: they are no members"),
  required: z
    .boolean()
    .default(false)
    .describe("Members other than owners get at the organisation only in a session that was opened through it"),
};
export const setSignOnRequestSchema = z.strictObject({
  ...signOnShape,
  clientSecret: lineSchema(1_000).optional().describe("Without it, the one that is stored stays"),
});
export type SetSignOnRequest = z.infer<typeof setSignOnRequestSchema>;

export const signOnDomainSchema = z.object({
  domain: z.string(),
  verifiedAt: timestampSchema.nullable(),
  record: z.object({ name: z.string(), value: z.string() }).describe("The TXT record that proves the domain"),
});
export const signOnResponseSchema = z.object({
  signOn: z.object(signOnShape).extend({ updatedAt: timestampSchema }).nullable(),
  callbackUrl: z.string().describe("To be registered at the provider"),
  domains: z.array(signOnDomainSchema),
});
export const signOnDomainRequestSchema = z.object({ domain: z.string().min(1).max(253) });
export const signOnDomainResponseSchema = z.object({ domain: signOnDomainSchema });
export const signOnDomainParamsSchema = organisationParamsSchema.extend({ domain: z.string().min(1).max(253) });

export const findSignOnRequestSchema = z.object({ email: emailSchema });
export const findSignOnResponseSchema = z.object({
  organisation: z.string().nullable().describe("As in /api/auth/sign-on/{organisation}; null: there is none"),
});
export const signOnParamsSchema = z.object({ organisation: z.string().min(1).max(100) });
export const signOnQuerySchema = logInProviderQuerySchema;
