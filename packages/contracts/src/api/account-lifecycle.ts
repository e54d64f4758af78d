import { z } from "zod";
import { emailSchema } from "./accounts.ts";
import { displayNameSchema, nextCursorSchema, pageQuerySchema, timestampSchema } from "./common.ts";
import { secondFactorShape } from "./end-user-factors.ts";

// An account's profile, what it has agreed to, and its end.

const MAX_TIME_ZONE_CHARACTERS = 64;
const MAX_LOCALE_CHARACTERS = 35;

function isTimeZone(text: string): boolean {
  try {
    // An offset such as +02:00 is no zone: it knows no summer time.
    return /^[A-Za-z]/.test(text) && new Intl.DateTimeFormat("en", { timeZone: text }) instanceof Intl.DateTimeFormat;
  } catch {
    return false;
  }
}

function isLocale(text: string): boolean {
  try {
    return Intl.getCanonicalLocales(text).length === 1;
  } catch {
    return false;
  }
}

const timeZoneSchema = z
  .string()
  .max(MAX_TIME_ZONE_CHARACTERS)
  .refine(isTimeZone, "Name a time zone of the IANA database, such as Europe/Berlin.");
const localeSchema = z
  .string()
  .max(MAX_LOCALE_CHARACTERS)
  .refine(isLocale, "Name a language by its tag (BCP 47), such as de-DE.");

export const changeProfileRequestSchema = z.object({
  name: displayNameSchema(1).nullable().optional(),
  timeZone: timeZoneSchema.nullable().optional(),
  locale: localeSchema.nullable().optional(),
});
export const profileResponseSchema = z.object({
  profile: z.object({
    name: z.string().nullable(),
    timeZone: z.string().nullable().describe("Of the IANA database"),
    locale: z.string().nullable().describe("A language tag (BCP 47)"),
  }),
});

/** What somebody may agree to that the service does not need. */
export const CONSENT_PURPOSES = ["marketing"] as const;
export type ConsentPurpose = (typeof CONSENT_PURPOSES)[number];
const consentPurposeSchema = z.enum(CONSENT_PURPOSES);

export const consentParamsSchema = z.object({ purpose: consentPurposeSchema });
export const setConsentRequestSchema = z.object({
  granted: z.boolean(),
  version: z
    .string()
    .regex(/^[\w.:-]{1,50}$/, "Up to 50 letters, digits and . : _ -")
    .describe("Of the wording that the person saw"),
});
export const listConsentsResponseSchema = z.object({
  consents: z.array(
    z.object({
      purpose: consentPurposeSchema,
      granted: z.boolean(),
      version: z.string().nullable(),
      decidedAt: timestampSchema.nullable().describe("Null: never asked, which is a no"),
    }),
  ),
  history: z.array(
    z.object({
      id: z.string(),
      purpose: z.string(),
      granted: z.boolean(),
      version: z.string(),
      source: z.string().describe("`account`: by a person who was logged in; `api`: by a key"),
      decidedAt: timestampSchema,
    }),
  ),
  nextCursor: nextCursorSchema,
});

export const closeAccountRequestSchema = z.object({
  password: z.string().min(1).max(200),
  ...secondFactorShape,
});
export const closeAccountResponseSchema = z.object({
  success: z.literal(true),
  deletedOn: timestampSchema.describe("From then on there is no way back"),
});

export const AGE_REPORT_STATUSES = ["open", "upheld", "dismissed"] as const;
export type AgeReportStatus = (typeof AGE_REPORT_STATUSES)[number];

export const ageReportRequestSchema = z.object({
  email: emailSchema.describe("Of the account"),
  statement: z
    .string()
    .trim()
    .max(2_000)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
    .regex(/^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$/u, "A statement is plain text.")
    .optional()
    .describe("How the person knows"),
});
export const ageReportResponseSchema = z.object({ received: z.literal(true) });
export const ageReportParamsSchema = z.object({ report: z.string().min(1).max(100) });
export const decideAgeReportRequestSchema = z.object({ upheld: z.boolean() });
export const listAgeReportsQuerySchema = pageQuerySchema.extend({ status: z.enum(AGE_REPORT_STATUSES).optional() });
export const listAgeReportsResponseSchema = z.object({
  reports: z.array(
    z.object({
      id: z.string(),
      email: z.string().nullable().describe("Null once it is decided"),
      accountId: z.string().nullable(),
      statement: z.string().nullable(),
      status: z.string(),
      createdAt: timestampSchema,
      decidedAt: timestampSchema.nullable(),
    }),
  ),
  nextCursor: nextCursorSchema,
});
