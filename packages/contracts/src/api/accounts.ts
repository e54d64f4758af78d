import { z } from "zod";
import { displayNameSchema, nextCursorSchema, timestampSchema } from "./common.ts";
import { keyFactsShape, newKeyLimitsShape } from "./keys.ts";

const MAX_EMAIL_CHARACTERS = 254;
const MAX_PASSWORD_CHARACTERS = 200;

/** Trimmed and lower-cased: one person has one account, however the address is typed. */
export const emailSchema = z.string().trim().toLowerCase().max(MAX_EMAIL_CHARACTERS).pipe(z.email());

/** A new password. Its strength is judged by the accounts service, with a code of its own (AUTH_PASSWORD_WEAK). */
const passwordSchema = z.string().min(1).max(MAX_PASSWORD_CHARACTERS);

const turnstileTokenSchema = z
  .string()
  .max(4_000)
  .optional()
  .describe("The solution of the challenge, where the installation asks for one");

export const challengeResponseSchema = z.object({
  siteKey: z.string().nullable().describe("What the widget is shown with; null: nobody is asked"),
  scriptUrl: z.string().nullable().describe("Of the widget"),
});

export const registerRequestSchema = z.object({
  email: emailSchema,
  password: passwordSchema.describe("At least 8 characters with an upper-case letter, a lower-case letter and a digit"),
  name: displayNameSchema(1).optional(),
  ageConfirmed: z
    .boolean("Ask the person whether they are 16 or older, and send true or false.")
    .describe("Whether the person said to be 16 or older; false is refused, and nothing of the request is kept"),
  turnstileToken: turnstileTokenSchema,
});

export const loginRequestSchema = z.object({
  email: emailSchema,
  password: passwordSchema,
  turnstileToken: turnstileTokenSchema,
});

export const changePasswordRequestSchema = z.object({
  currentPassword: z.string().min(1).max(MAX_PASSWORD_CHARACTERS),
  newPassword: passwordSchema,
});

export const emailChangeRequestSchema = z.object({
  newEmail: emailSchema,
  password: z.string().min(1).max(MAX_PASSWORD_CHARACTERS).describe("The account's"),
});

export const forgotPasswordRequestSchema = z.object({ email: emailSchema });

export const resetPasswordRequestSchema = z.object({
  token: z.string().min(1).max(200).describe("From the link in the mail"),
  newPassword: passwordSchema,
});

export const verifyEmailRequestSchema = z.object({
  token: z.string().min(1).max(200).describe("From the link in the mail"),
});

export const resendVerificationRequestSchema = z.object({ email: emailSchema });

export const refreshRequestSchema = z.object({
  refreshToken: z.string().min(1).max(200).optional().describe("Left out by pages whose browser keeps it in a cookie"),
});

export const logoutRequestSchema = z.object({ refreshToken: z.string().min(1).max(200).optional() });

export const userSchema = z.object({
  id: z.string(),
  email: z.string(),
  name: z.string().nullable(),
  isAdmin: z.boolean(),
  avatarUrl: z.string().nullable().default(null).describe("Of the picture, at this server"),
  emailVerified: z.boolean().default(false).describe("Somebody proved to read the mail of the address"),
  createdAt: timestampSchema,
});
export type User = z.infer<typeof userSchema>;

export const sessionResponseSchema = z.object({
  token: z.string().describe("Access token (JWT), valid for 15 minutes"),
  refreshToken: z
    .string()
    .optional()
    .describe("Valid for 30 days and once: each use gives a new one. Not there where it was asked for in a cookie"),
  expiresAt: timestampSchema.describe("When the access token expires"),
  user: userSchema,
});
export type SessionResponse = z.infer<typeof sessionResponseSchema>;

export const pictureParamsSchema = z.object({ picture: z.string().max(100) });
export const pictureResponseSchema = z.object({ url: z.string().describe("Of the picture, at this server") });

export const userResponseSchema = z.object({ user: userSchema });

export const setupRequestSchema = registerRequestSchema.extend({
  token: z.string().min(1).max(200).describe("From the set-up link that the server prints at its start"),
  ageConfirmed: z.literal(true, "You must be 16 or older."),
  projectName: displayNameSchema(2).default("My first project"),
});

export const setupResponseSchema = sessionResponseSchema.extend({
  project: z.object({ id: z.string(), name: z.string(), slug: z.string() }),
  publicKey: z.string(),
  secretKey: z.string(),
  curl: z.string(),
  nextCommand: z.string(),
});
export type SetupResponse = z.infer<typeof setupResponseSchema>;

export const accountKeySchema = z.object(keyFactsShape);
export type AccountKey = z.infer<typeof accountKeySchema>;

export const createAccountKeyRequestSchema = z.object({ name: displayNameSchema(1), ...newKeyLimitsShape });
export const createAccountKeyResponseSchema = z.object({
  key: accountKeySchema,
  secret: z.string().describe("The key itself, shown this once"),
});
export const listAccountKeysResponseSchema = z.object({
  keys: z.array(accountKeySchema),
  nextCursor: nextCursorSchema,
});

export const DEVICE_GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code";

export const deviceCodeRequestSchema = z.object({ client_id: z.string().min(1).max(100) });
export const deviceCodeResponseSchema = z.object({
  device_code: z.string(),
  user_code: z.string(),
  verification_uri: z.string(),
  verification_uri_complete: z.string(),
  expires_in: z.int(),
  interval: z.int(),
});
export const deviceTokenRequestSchema = z.object({
  grant_type: z.literal(DEVICE_GRANT_TYPE),
  device_code: z.string().min(1).max(200),
  client_id: z.string().min(1).max(100),
});
export const deviceTokenResponseSchema = z.object({ api_key: z.string(), user: userSchema });
export const deviceDecisionRequestSchema = z.object({
  user_code: z.string().min(1).max(20),
  approve: z.boolean(),
});

/** What `POST /api/v1/cli/validate` tells about the key that was sent. */
export const validateKeyResponseSchema = z.object({
  keyType: z.enum(["account", "project"]),
  message: z.string(),
  userId: z.string().optional(),
  email: z.string().optional(),
  name: z.string().optional(),
  projectId: z.string().optional(),
  projectName: z.string().optional(),
  slug: z.string().optional(),
  url: z.string().optional(),
});

export const accountKeyParamsSchema = z.object({ key: z.string().min(1).max(100) });

export const accountSessionSchema = z.object({
  id: z.string(),
  device: z.string().nullable().describe("Browser and system, such as `Firefox on Linux`"),
  ip: z.string().nullable().describe("Of its last refresh, or of the log-in"),
  createdAt: timestampSchema,
  lastUsedAt: timestampSchema.describe("Of its last refresh, or of the log-in"),
  expiresAt: timestampSchema.describe("When it ends unless it is used, and at last however much it is used"),
  current: z.boolean().describe("The one that asks"),
});
export const listAccountSessionsResponseSchema = z.object({
  sessions: z.array(accountSessionSchema),
  nextCursor: nextCursorSchema,
});
export const accountSessionParamsSchema = z.object({ session: z.string().min(1).max(100) });
