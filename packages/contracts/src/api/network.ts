import { z } from "zod";

// Who may reach a project's functions and API, by address and country, and which pages of other origins may.

export const MAX_NETWORK_ADDRESSES = 500;
const MAX_COUNTRIES = 250;
export const MAX_CORS_ORIGINS = 50;

const addressSchema = z
  .union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], "An IP address, or a network such as 192.0.2.0/24.")
  .describe("An address, or a network such as 192.0.2.0/24 or 2001:db8::/32");
const countrySchema = z
  .string()
  .regex(/^[A-Za-z]{2}$/, "Two letters, such as IE.")
  .transform((code) => code.toUpperCase())
  .describe("ISO 3166-1 alpha-2");
const addressesSchema = z.array(addressSchema).max(MAX_NETWORK_ADDRESSES).default([]);
const countriesSchema = z.array(countrySchema).max(MAX_COUNTRIES).default([]);

/**
 * Asked in this order: refused addresses, allowed addresses, refused countries, allowed countries. Where something is
 * allowed, everything else is refused.
 */
export const networkRulesSchema = z.strictObject({
  denyAddresses: addressesSchema,
  allowAddresses: addressesSchema,
  denyCountries: countriesSchema,
  allowCountries: countriesSchema,
  requestsPerMinutePerAddress: z
    .int()
    .min(1)
    .max(1_000_000)
    .nullable()
    .default(null)
    .describe("Of one address (an IPv6 network of 64 bits counts as one), with a key or without; null: no such limit"),
});
export type NetworkRules = z.output<typeof networkRulesSchema>;
export const networkRulesResponseSchema = z.object({ network: networkRulesSchema });

const originSchema = z
  .string()
  .max(300)
  .refine(
    (text) => text === "*" || (/^https?:\/\//.test(text) && URL.canParse(text) && new URL(text).origin === text),
    "An origin such as https://app.example.com, without a path, or * for every one.",
  );
const tokenSchema = z
  .string()
  .max(100)
  .regex(/^[\w!#$%&'*+.^`|~-]+$/, "A name as HTTP has it.");

/** What pages of other origins may do. */
export const corsRulesSchema = z
  .strictObject({
    origins: z.array(originSchema).min(1).max(MAX_CORS_ORIGINS),
    methods: z
      .array(tokenSchema.transform((method) => method.toUpperCase()))
      .max(20)
      .default(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]),
    headers: z
      .array(tokenSchema)
      .max(50)
      .default(["authorization", "content-type", "x-aerostack-key"])
      .describe("Request headers beyond those that every page may send"),
    exposeHeaders: z.array(tokenSchema).max(50).default([]).describe("Headers of answers that pages may read"),
    credentials: z.boolean().default(false).describe("Whether cookies go along; not with the origin *"),
    maxAgeSeconds: z.int().min(0).max(86_400).default(600).describe("For how long browsers remember the answer"),
  })
  .refine(({ origins, credentials }) => !(credentials && origins.includes("*")), {
    message: "Credentials need named origins: with * every page on the web could act as whoever is logged in.",
    path: ["credentials"],
  });
export type CorsRules = z.output<typeof corsRulesSchema>;
export const corsRulesResponseSchema = z.object({
  cors: corsRulesSchema
    .nullable()
    .describe("Null: as by default, every origin without credentials, and functions as they say"),
});
