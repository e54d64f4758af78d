import { z } from "zod";
import { nextCursorSchema, pageQuerySchema, timestampSchema } from "./common.ts";

const idSchema = z.string().min(1).max(200);

/** Which entries of the audit log are asked for; all that are given must hold. */
export const auditFilterSchema = z.object({
  actor: idSchema.optional().describe("Id of the account, key or end user that acted"),
  action: z
    .string()
    .regex(/^[a-z_]+\.(?:[a-z_]+|\*)$/, "An action is `thing.verb`, or `thing.*` for all of a thing.")
    .max(100)
    .optional()
    .describe("`key.revoked`, or `key.*` for everything that happens to keys"),
  target: idSchema.optional().describe("Id of what was changed"),
  project: idSchema.optional().describe("Id of the project"),
  from: z.iso.datetime({ offset: true }).optional().describe("Not before this time"),
  to: z.iso.datetime({ offset: true }).optional().describe("Before this time"),
});
export type AuditFilter = z.infer<typeof auditFilterSchema>;

export const organisationAuditParamsSchema = z.object({ organisation: idSchema.describe("Id of the organisation") });

const adminFilterSchema = auditFilterSchema.extend({
  organisation: idSchema.optional().describe("Id of the organisation"),
});
export const auditQuerySchema = auditFilterSchema.extend(pageQuerySchema.shape);
export const adminAuditQuerySchema = adminFilterSchema.extend(pageQuerySchema.shape);

const exportFormatSchema = z.enum(["jsonl", "csv"]).default("jsonl").describe("JSON lines, or CSV for spreadsheets");
export const auditExportQuerySchema = auditFilterSchema.extend({ format: exportFormatSchema });
export const adminAuditExportQuerySchema = adminFilterSchema.extend({ format: exportFormatSchema });

export const auditEntrySchema = z.object({
  id: z.string(),
  time: timestampSchema,
  actor: z.object({
    kind: z.enum(["account", "project_key", "function", "end_user", "anonymous", "system"]),
    id: z.string().nullable(),
    credentialId: z.string().nullable().describe("Key or session that was used"),
  }),
  action: z.string().describe("`thing.verb`, such as `key.revoked`"),
  target: z.object({ kind: z.string(), id: z.string().nullable() }),
  projectId: z.string().nullable(),
  organisationId: z.string().nullable(),
  ip: z.string().nullable(),
  region: z.string().nullable().describe("Country of the address, ISO 3166-1 alpha-2"),
  userAgent: z.string().nullable(),
  requestId: z.string().nullable(),
  before: z.json().describe("What was changed, before; secrets are masked"),
  after: z.json().describe("What was changed, after; secrets are masked"),
  chain: z
    .object({ seq: z.number().int(), hash: z.string() })
    .nullable()
    .describe("Place and hash in the chain; null for some hundred milliseconds after the entry was written"),
});
export type AuditEntry = z.infer<typeof auditEntrySchema>;

export const listAuditResponseSchema = z.object({
  entries: z.array(auditEntrySchema),
  nextCursor: nextCursorSchema,
});

export const verifyAuditQuerySchema = z.object({
  seq: z.coerce.number().int().min(1).optional().describe("An end of the chain that was noted down before"),
  hash: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});

export const auditVerificationSchema = z.object({
  valid: z.boolean(),
  entries: z.number().int().describe("Entries that were found in order"),
  checkpoints: z.number().int().describe("Signed checkpoints among them"),
  seq: z.number().int(),
  hash: z.string().describe("Hash of the last entry: note it down elsewhere, and hold a later verification against it"),
  pending: z.number().int().describe("Entries that are too new to be in the chain"),
  broken: z
    .object({
      seq: z.number().int().nullable(),
      entryId: z.string().nullable(),
      fault: z.enum([
        "entry_missing",
        "entry_changed",
        "link_missing",
        "checkpoint_broken",
        "head_broken",
        "truncated",
        "entry_not_chained",
      ]),
    })
    .nullable()
    .describe("The first fault"),
});
export type AuditVerification = z.infer<typeof auditVerificationSchema>;
