import { z } from "zod";
import { nextCursorSchema, pageQuerySchema, timestampSchema } from "./common.ts";

// What looks like abuse, worked out of logs, counts and the audit log when it is asked for.

/** Findings look back this far at most; hourly counts of calls are kept for a week longer, to know what is usual. */
export const MAX_ABUSE_WINDOW_DAYS = 7;
export const DEFAULT_ABUSE_WINDOW_HOURS = 24;

export const ABUSE_KINDS = [
  "sign_ups",
  "spike",
  "lock_out",
  "firewall",
  "key_leaked",
  "key_refused",
  "blocked",
] as const;
export const abuseKindSchema = z
  .enum(ABUSE_KINDS)
  .describe(
    "`sign_ups`: many accounts or users of one network, or with addresses of one pattern · `spike`: calls, failures or refusals of a project or address far above its own usual · `lock_out`: log-ins or codes that were guessed until they were locked · `firewall`: attacks of one address · `key_leaked`: a key that somebody found in public · `key_refused`: a key that was used from where it may not be · `blocked`: a block that is in force",
  );
export type AbuseKind = z.infer<typeof abuseKindSchema>;

export const abuseSeveritySchema = z.enum(["low", "medium", "high"]);
export type AbuseSeverity = z.infer<typeof abuseSeveritySchema>;

export const abuseSubjectKindSchema = z.enum([
  "network",
  "account",
  "end_user",
  "project",
  "organisation",
  "key",
  "email_pattern",
  "installation",
]);
export type AbuseSubjectKind = z.infer<typeof abuseSubjectKindSchema>;

export const abuseFindingSchema = z.object({
  id: z.string(),
  kind: abuseKindSchema,
  severity: abuseSeveritySchema,
  subject: z.object({
    kind: abuseSubjectKindSchema,
    id: z
      .string()
      .describe(
        "As a block takes it; `#` stands for digits in a pattern of addresses; `accounts` of the installation where it cannot be told which",
      ),
  }),
  projectId: z.string().nullable().describe("Null: of no project"),
  count: z.int().describe("How often, or how many"),
  firstAt: timestampSchema,
  lastAt: timestampSchema,
  summary: z.string().describe("One line for people"),
  examples: z.array(z.string()).describe("Ids of some of those that it is about"),
  evidence: z
    .array(z.object({ what: z.string(), href: z.string().describe("Path of this API") }))
    .describe("Where what it was worked out of can be read"),
  block: z.string().nullable().describe("Id of the block that is in force for the subject"),
});
export type AbuseFinding = z.infer<typeof abuseFindingSchema>;

export const listAbuseQuerySchema = pageQuerySchema.extend({
  kind: abuseKindSchema.optional(),
  since: z.iso
    .datetime({ offset: true })
    .optional()
    .describe("How far to look back: by default 24 hours, at most 7 days"),
});
export const adminAbuseQuerySchema = listAbuseQuerySchema.extend({
  project: z.string().min(1).max(100).optional().describe("Id of a project: only what is about it"),
});
export const listAbuseResponseSchema = z.object({
  findings: z.array(abuseFindingSchema),
  nextCursor: nextCursorSchema,
});
