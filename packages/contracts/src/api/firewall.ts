import { z } from "zod";
import { nextCursorSchema, pageQuerySchema, timestampSchema } from "./common.ts";
import { projectParamsSchema } from "./projects.ts";

// What the firewall does with requests to a project, and what it found.

export const MAX_FIREWALL_EXCEPTIONS = 100;
/** Hits are kept for this long. */
export const FIREWALL_HITS_KEPT_DAYS = 30;

export const firewallModeSchema = z
  .enum(["off", "detect", "block"])
  .describe(
    "`off`: nothing is looked at · `detect`: hits are counted and listed · `block`: and refused (`WAF_BLOCKED`)",
  );
export type FirewallMode = z.infer<typeof firewallModeSchema>;

const ruleSchema = z.int().min(1_000).max(99_999).describe("The rule's number, as hits name it");
const pathPrefixSchema = z
  .string()
  .max(200)
  .regex(/^\/[\x21-\x7e]*$/, "A path begins with a slash, as the address has it, without spaces.")
  .refine((path) => !/[?#]/.test(path), "A path has no query.")
  .describe("The path of the address (`/f/shop/cms`) itself, and everything below it");
const parameterSchema = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[\x20-\x7e]+$/, "A name of plain characters.")
  .describe("Name of the query's parameter, the header or the body's field");

const exceptionShape = {
  rule: ruleSchema.nullable().describe("Null: every rule"),
  pathPrefix: pathPrefixSchema.nullable().describe("Null: every path"),
  parameter: parameterSchema.nullable().describe("Null: every parameter, and the path itself"),
};

/** A hit that all named parts of an exception fit counts for nothing. */
export const firewallExceptionSchema = z.object({
  id: z.string(),
  ...exceptionShape,
  createdAt: timestampSchema,
});
export type FirewallException = z.infer<typeof firewallExceptionSchema>;

export const addFirewallExceptionRequestSchema = z
  .strictObject({
    rule: ruleSchema.optional(),
    pathPrefix: pathPrefixSchema.optional(),
    parameter: parameterSchema.optional(),
  })
  .refine(
    ({ rule, pathPrefix, parameter }) => rule !== undefined || pathPrefix !== undefined || parameter !== undefined,
    "Name a rule, a path or a parameter; an exception from everything is the mode `off`.",
  );

export const firewallSchema = z.object({
  mode: firewallModeSchema.nullable().describe("What the project chose; null: what the installation does"),
  effectiveMode: firewallModeSchema.describe("What is done with requests to the project's functions and its API"),
  inspectFunctionBodies: z
    .boolean()
    .describe("Whether JSON and forms of at most 64 KB are looked at before a function sees them"),
  exceptions: z.array(firewallExceptionSchema),
});
export type Firewall = z.infer<typeof firewallSchema>;
export const firewallResponseSchema = z.object({ firewall: firewallSchema });
export const changeFirewallRequestSchema = z.strictObject({
  mode: firewallModeSchema.nullable().optional(),
  inspectFunctionBodies: z.boolean().optional(),
});
export const firewallExceptionResponseSchema = z.object({ exception: firewallExceptionSchema });
export const firewallExceptionParamsSchema = projectParamsSchema.extend({
  exception: z.string().min(1).max(100).describe("The exception's id"),
});

export const firewallHitSchema = z.object({
  id: z.string(),
  day: z.iso.date().describe("In UTC; hits of a day that are alike are one line"),
  rule: z.int(),
  ruleName: z.string().nullable().describe("Null for a rule that this version does not have any more"),
  category: z.string().nullable(),
  action: z.enum(["detected", "blocked"]),
  path: z.string().nullable().describe("Without its query; null: of many different ones"),
  parameter: z.string().nullable().describe("Null: the path itself, or of many different ones"),
  count: z.int(),
  firstAt: timestampSchema,
  lastAt: timestampSchema,
  lastRequestId: z.string().describe("That of the answer, where it was refused"),
  lastIp: z.string().nullable(),
  lastRegion: z.string().nullable(),
});
export type FirewallHit = z.infer<typeof firewallHitSchema>;
export const listFirewallHitsQuerySchema = pageQuerySchema;
export const listFirewallHitsResponseSchema = z.object({
  hits: z.array(firewallHitSchema),
  nextCursor: nextCursorSchema,
});
