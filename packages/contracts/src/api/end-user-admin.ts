import { z } from "zod";
import { displayNameSchema, nextCursorSchema, pageQuerySchema, timestampSchema } from "./common.ts";
import { endUserPasskeySchema } from "./end-user-factors.ts";
import {
  customFieldsSchema,
  endUserEmailSchema,
  endUserPasswordSchema,
  endUserSchema,
  phoneSchema,
} from "./end-user-model.ts";
import { endUserIdentitySchema } from "./end-user-oauth.ts";
import { endUserSessionSchema } from "./end-users.ts";
import { projectParamsSchema } from "./projects.ts";

// What a project's own people see and do of its end users, and of the messages to them.

const phoneOrNullSchema = phoneSchema.nullable();

/** A user as the project's own people see them. */
export const adminEndUserSchema = endUserSchema.extend({
  blockedAt: timestampSchema.nullable(),
  lastSignInAt: timestampSchema.nullable(),
  hasPassword: z.boolean(),
});
export type AdminEndUser = z.infer<typeof adminEndUserSchema>;
export const adminEndUserResponseSchema = z.object({ user: adminEndUserSchema });
export const listAdminEndUsersQuerySchema = pageQuerySchema.extend({
  search: z
    .string()
    .trim()
    .min(1)
    .max(254)
    .optional()
    .describe("A user's id, or how their e-mail address or phone number begins"),
});
export const listAdminEndUsersResponseSchema = z.object({
  users: z.array(adminEndUserSchema),
  nextCursor: nextCursorSchema,
});
export const adminEndUserParamsSchema = projectParamsSchema.extend({ user: z.string().min(1).max(100) });
const hasContact = ({ email, phone }: { email?: string | undefined; phone?: string | undefined }) =>
  email !== undefined || phone !== undefined;
const CONTACT = { error: "A user has an e-mail address or a phone number.", path: ["email"] };

export const createAdminEndUserRequestSchema = z.object({
  email: endUserEmailSchema.optional(),
  emailVerified: z.boolean().default(false),
  phone: phoneSchema.optional(),
  phoneVerified: z.boolean().default(false),
  name: displayNameSchema(1).optional(),
  password: endUserPasswordSchema.optional(),
  customFields: customFieldsSchema.optional(),
  metadata: customFieldsSchema.optional(),
});
export const updateAdminEndUserRequestSchema = z.object({
  email: endUserEmailSchema.nullable().optional(),
  emailVerified: z.boolean().optional(),
  phone: phoneOrNullSchema.optional(),
  phoneVerified: z.boolean().optional(),
  name: displayNameSchema(1).nullable().optional(),
  password: endUserPasswordSchema.optional().describe("Ends every session"),
  customFields: customFieldsSchema.optional().describe("Merged; null removes a field"),
  metadata: customFieldsSchema.optional().describe("Replaces what is there"),
});

export const MAX_IMPORTED_USERS = 500;
export const importEndUserSchema = z
  .object({
    id: z.uuid().optional().describe("Kept where it is free"),
    email: endUserEmailSchema.optional(),
    emailVerified: z.boolean().default(false),
    phone: phoneSchema.optional(),
    phoneVerified: z.boolean().default(false),
    name: displayNameSchema(1).optional(),
    passwordHash: z
      .string()
      .max(500)
      .optional()
      .describe("bcrypt, or argon2, scrypt and PBKDF2 in PHC form; made anew at the first log-in"),
    customFields: customFieldsSchema.optional(),
    metadata: customFieldsSchema.optional(),
    createdAt: timestampSchema.optional(),
  })
  .refine(hasContact, CONTACT);
export type ImportEndUser = z.infer<typeof importEndUserSchema>;
export const importEndUsersRequestSchema = z.object({
  users: z.array(z.record(z.string(), z.json())).min(1).max(MAX_IMPORTED_USERS).describe("Each is judged by itself"),
});
export const importEndUsersResponseSchema = z.object({
  imported: z.int(),
  skipped: z.array(z.object({ index: z.int(), reason: z.string() })).describe("By their place in the request"),
});
export const adminEndUserExportSchema = z.object({
  user: adminEndUserSchema,
  identities: z.array(endUserIdentitySchema),
  sessions: z.array(endUserSessionSchema.omit({ current: true })),
  passkeys: z.array(endUserPasskeySchema),
  totp: z.boolean(),
});

export const outboxMessageSchema = z.object({
  id: z.string(),
  channel: z.enum(["mail", "sms"]),
  kind: z.string(),
  status: z.enum(["held", "queued", "sent", "failed"]),
  sender: z.string().nullable(),
  error: z.string().nullable(),
  attempts: z.int(),
  createdAt: timestampSchema,
  message: z
    .object({ to: z.string(), subject: z.string(), text: z.string(), html: z.string().optional() })
    .nullable()
    .describe("Null once it was sent"),
});
export const outboxMessageParamsSchema = projectParamsSchema.extend({ message: z.string().min(1).max(100) });
export const outboxMessageResponseSchema = z.object({ message: outboxMessageSchema });
export const listOutboxResponseSchema = z.object({
  messages: z.array(outboxMessageSchema),
  nextCursor: nextCursorSchema,
});
