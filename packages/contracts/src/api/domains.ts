import { z } from "zod";
import { functionEnvironmentSchema, functionNameSchema } from "../deploy-config.ts";
import { nextCursorSchema, timestampSchema } from "./common.ts";
import { projectParamsSchema } from "./projects.ts";

// Domains of their own under which a project's functions and its API answer.

export const MAX_DOMAIN_ROUTES = 50;

export const domainStatusSchema = z
  .enum(["pending", "active", "suspended"])
  .describe("`pending`: not proven yet · `active`: served · `suspended`: the proof was gone for seven days");
export type DomainStatus = z.infer<typeof domainStatusSchema>;

export const domainRouteSchema = z.strictObject({
  path: z
    .string()
    .max(200)
    .regex(/^\/(?:[\w~!$&'()*+,;=:@.-]+(?:\/[\w~!$&'()*+,;=:@.-]+)*)?$/, "A path begins with a slash and ends without.")
    .refine(
      (path) => !path.split("/").some((segment) => segment === "." || segment === ".."),
      "A path has no dot segments.",
    )
    .describe("The path itself and everything below it; the longest that fits decides"),
  function: functionNameSchema,
  environment: functionEnvironmentSchema.default("production"),
});
export type DomainRoute = z.infer<typeof domainRouteSchema>;

const certificateSchema = z.object({
  status: z
    .enum(["none", "pending", "valid", "failing"])
    .describe("`none`: the domain is not served, or this server gets no certificates because the proxy in front does"),
  problem: z.string().nullable().describe("What the authority said at the last attempt"),
});

export const domainSchema = z.object({
  id: z.string(),
  hostname: z.string().describe("In ASCII (IDNA), lower case"),
  status: domainStatusSchema,
  proof: z
    .object({ type: z.literal("TXT"), name: z.string(), value: z.string() })
    .describe("The DNS record that proves the domain; it stays there"),
  routes: z.array(domainRouteSchema),
  servesApi: z.boolean().describe("Whether `/v1/` of the domain is the project's API"),
  certificate: certificateSchema,
  createdAt: timestampSchema,
  verifiedAt: timestampSchema.nullable(),
  lastCheckedAt: timestampSchema.nullable(),
  proofMissingSince: timestampSchema.nullable().describe("Seven days later the domain is suspended"),
});
export type Domain = z.infer<typeof domainSchema>;

const routesSchema = z
  .array(domainRouteSchema)
  .max(MAX_DOMAIN_ROUTES)
  .refine((routes) => new Set(routes.map(({ path }) => path)).size === routes.length, "Each path stands once.");

export const addDomainRequestSchema = z.strictObject({
  hostname: z.string().min(1).max(300).describe("A full domain name, such as shop.example.com; no wildcard"),
  routes: routesSchema.default([]),
  servesApi: z.boolean().default(false),
});
export const changeDomainRequestSchema = z.strictObject({
  routes: routesSchema.optional(),
  servesApi: z.boolean().optional(),
});
export const domainParamsSchema = projectParamsSchema.extend({
  domain: z.string().min(1).max(300).describe("The domain's id or name"),
});
export const domainResponseSchema = z.object({ domain: domainSchema });
export const listDomainsResponseSchema = z.object({ domains: z.array(domainSchema), nextCursor: nextCursorSchema });
