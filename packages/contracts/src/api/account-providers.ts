import { z } from "zod";
import { timestampSchema } from "./common.ts";

// Log-in of accounts through other providers (GitHub, Google, OpenID Connect).

/** Pages of the installation that a browser may come back to, and their paths. Nothing else is ever redirected to. */
export const LOG_IN_PAGES = { device: "/device" } as const;
export type LogInPage = keyof typeof LOG_IN_PAGES;

const codeVerifierSchema = z
  .string()
  .regex(/^[\w.~-]{43,128}$/)
  .describe("Whose challenge the way was begun with (RFC 7636)");
const providerCodeShape = {
  code: z.string().min(1).max(200).describe("From the fragment of the page that the browser came back to"),
  codeVerifier: codeVerifierSchema,
};

export const logInProviderParamsSchema = z.object({ provider: z.string().min(1).max(32) });
export const logInProviderQuerySchema = z.object({
  page: z.enum(Object.keys(LOG_IN_PAGES) as [LogInPage, ...LogInPage[]]).describe("Where the browser comes back to"),
  codeChallenge: z
    .string()
    .regex(/^[\w-]{43}$/)
    .describe("S256 challenge (RFC 7636): the code is then good only with its verifier"),
  intent: z
    .enum(["log-in", "connect"])
    .default("log-in")
    .describe("`connect`: the code connects the provider to an account that is logged in, and opens nothing"),
  ageConfirmed: z
    .enum(["true", "false"])
    .transform((text) => text === "true")
    .optional()
    .describe("For who has no account yet: whether the person said to be 16 or older"),
});
export const logInProviderCodeRequestSchema = z.object(providerCodeShape);

export const listLogInProvidersResponseSchema = z.object({
  providers: z.array(
    z.object({
      id: z.string().describe("As in /api/auth/oauth/{provider}"),
      name: z.string().describe("To be shown"),
    }),
  ),
});

export const accountIdentitySchema = z.object({
  provider: z.string(),
  email: z.string().nullable().describe("As the provider told it"),
  createdAt: timestampSchema,
  lastUsedAt: timestampSchema.nullable(),
});
export const accountIdentityResponseSchema = z.object({ identity: accountIdentitySchema });
export const listAccountIdentitiesResponseSchema = z.object({ identities: z.array(accountIdentitySchema) });
