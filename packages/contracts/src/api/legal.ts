import { z } from "zod";
import { nextCursorSchema, pageQuerySchema, timestampSchema } from "./common.ts";

// Lawful requests: cases, holds that keep deletions back, and disclosures of what was asked for.

export const LEGAL_SUBJECT_KINDS = ["account", "organisation", "project", "end_user"] as const;
export const legalSubjectKindSchema = z.enum(LEGAL_SUBJECT_KINDS);
export type LegalSubjectKind = z.infer<typeof legalSubjectKindSchema>;

export const DISCLOSURE_CATEGORIES = ["profile", "log_ins", "audit", "logs", "content_metadata", "content"] as const;
export const disclosureCategorySchema = z
  .enum(DISCLOSURE_CATEGORIES)
  .describe(
    "`profile`: what is stored of the person, organisation or project itself · `log_ins`: sessions · `audit`: entries of the audit log · `logs`: lines of projects' logs · `content_metadata`: names and sizes of databases, keys and objects · `content`: databases, values and objects themselves",
  );
export type DisclosureCategory = z.infer<typeof disclosureCategorySchema>;

function textSchema(maxCharacters: number) {
  return (
    z
      .string()
      .trim()
      .min(1)
      .max(maxCharacters)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
      .regex(/^[^\u0000-\u0009\u000b-\u001f\u007f\u202a-\u202e\u2066-\u2069]*$/u, "No control characters.")
  );
}

export const openLegalCaseRequestSchema = z.strictObject({
  reference: textSchema(200).describe("Of the request, as whoever makes it names it"),
  authority: textSchema(200).describe("Who asks: a court, a public prosecutor, a data protection authority"),
  legalBasis: textSchema(500).describe("The law or order that it rests on"),
  subject: z.strictObject({
    kind: legalSubjectKindSchema,
    id: z
      .string()
      .trim()
      .min(1)
      .max(200)
      .describe("Its id; an account's e-mail address or a project's slug does as well"),
  }),
  notes: textSchema(5_000).optional(),
});
export type OpenLegalCaseRequest = z.output<typeof openLegalCaseRequestSchema>;

export const changeLegalCaseRequestSchema = z.strictObject({ notes: textSchema(5_000) });
export const placeLegalHoldRequestSchema = z.strictObject({
  tellSubject: textSchema(1_000)
    .optional()
    .describe("What the account, or the owners of the organisation or project, are told by mail; nothing by default"),
});
export const liftLegalHoldRequestSchema = z.strictObject({ reason: textSchema(1_000) });
export const closeLegalCaseRequestSchema = z.strictObject({ reason: textSchema(1_000) });

export const legalCaseSchema = z.object({
  id: z.string(),
  reference: z.string(),
  authority: z.string(),
  legalBasis: z.string(),
  subject: z.object({ kind: legalSubjectKindSchema, id: z.string() }),
  projectId: z.string().nullable().describe("Of an end user"),
  notes: z.string().nullable(),
  state: z.enum(["open", "closed"]),
  openedAt: timestampSchema,
  openedBy: z.string(),
  closedAt: timestampSchema.nullable(),
  closedBy: z.string().nullable(),
  closeReason: z.string().nullable(),
  hold: z
    .object({
      inForce: z.boolean(),
      placedAt: timestampSchema,
      placedBy: z.string(),
      toldSubject: z.string().nullable(),
      liftedAt: timestampSchema.nullable(),
      liftedBy: z.string().nullable(),
      liftReason: z.string().nullable(),
    })
    .nullable()
    .describe("Null: none was ever placed"),
});
export type LegalCase = z.infer<typeof legalCaseSchema>;

export const keptBackSchema = z.object({
  kind: legalSubjectKindSchema,
  id: z.string(),
  requestedAt: timestampSchema,
});
export type KeptBack = z.infer<typeof keptBackSchema>;

export const legalCaseResponseSchema = z.object({ case: legalCaseSchema });
export const readLegalCaseResponseSchema = legalCaseResponseSchema.extend({
  keptBack: z.array(keptBackSchema).describe("Deletions that were asked for and wait for the hold to be lifted"),
});
export const legalCaseParamsSchema = z.object({ case: z.string().min(1).max(100).describe("The case's id") });
export const listLegalCasesQuerySchema = pageQuerySchema.extend({ state: z.enum(["open", "closed"]).optional() });
export const listLegalCasesResponseSchema = z.object({
  cases: z.array(legalCaseSchema),
  nextCursor: nextCursorSchema,
});

export const discloseRequestSchema = z.strictObject({
  categories: z
    .array(disclosureCategorySchema)
    .min(1)
    .max(DISCLOSURE_CATEGORIES.length)
    .refine((list) => new Set(list).size === list.length, "Each category once.")
    .describe("Exactly what is disclosed, and nothing else"),
  recipient: textSchema(300).describe("Whom it is for, as the audit log is to tell"),
});
export type DiscloseRequest = z.output<typeof discloseRequestSchema>;

export const disclosureSchema = z.object({
  id: z.string(),
  caseId: z.string(),
  categories: z.array(disclosureCategorySchema),
  recipient: z.string(),
  createdAt: timestampSchema,
  createdBy: z.string(),
  finishedAt: timestampSchema.nullable().describe("Null: the archive was never read to its end"),
  bytes: z.int().nullable(),
  files: z.int().nullable(),
  manifestSha256: z.string().nullable().describe("Of `manifest.json`, which has that of every other file"),
});
export type Disclosure = z.infer<typeof disclosureSchema>;
export const listDisclosuresResponseSchema = z.object({
  disclosures: z.array(disclosureSchema),
  nextCursor: nextCursorSchema,
});
