import { z } from "zod";
import { keyScopesSchema } from "../key-scopes.ts";
import { timestampSchema } from "./common.ts";

const MAX_ADDRESSES = 100;
const allowedIpsSchema = z
  .array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]))
  .max(MAX_ADDRESSES)
  .describe("Addresses and networks (CIDR) that the key may be used from; empty for anywhere");

/** What a new key may be limited to. */
export const newKeyLimitsShape = {
  scopes: keyScopesSchema.optional().describe("What the key may do; by default everything that its kind may"),
  allowedIps: allowedIpsSchema.optional(),
  expiresAt: timestampSchema.optional().describe("From then on the key is refused; without it the key does not expire"),
};

/** What every key shows of itself. */
export const keyFactsShape = {
  id: z.string(),
  name: z.string(),
  prefix: z.string().describe("The key's first characters, to recognise it by"),
  scopes: z.array(z.string()).describe("What the key may do; `*` is everything that its kind may"),
  allowedIps: z.array(z.string()).describe("Where it may be used from; empty for anywhere"),
  createdAt: timestampSchema,
  expiresAt: timestampSchema.nullable(),
  lastUsedAt: timestampSchema.nullable().describe("Exact to 15 seconds"),
  lastUsedIp: z.string().nullable(),
  replacedBy: z.string().nullable().describe("Id of the key that was made by rotating this one"),
  revokedAt: timestampSchema.nullable(),
};

const DEFAULT_GRACE_SECONDS = 24 * 60 * 60;
const MAX_GRACE_SECONDS = 90 * 24 * 60 * 60;

export const rotateKeyRequestSchema = z.object({
  graceSeconds: z
    .int()
    .min(0)
    .max(MAX_GRACE_SECONDS)
    .default(DEFAULT_GRACE_SECONDS)
    .describe("How long the old key goes on working; 0 refuses it at once"),
});
