import { z } from "zod";
import { emailSchema } from "./accounts.ts";
import { displayNameSchema, nextCursorSchema, timestampSchema } from "./common.ts";

// What a project's end users send and get, below /api/v1/public/projects/{project}/auth and at /v1/auth/*.

const MAX_PASSWORD_CHARACTERS = 200;
const MAX_TOKEN_CHARACTERS = 400;
/** Of all custom fields of one user, as JSON. */
export const MAX_CUSTOM_FIELDS_BYTES = 8 * 1024;

export const endUserEmailSchema = emailSchema;
/** Its strength is judged by the project's password policy, with a code of its own (AUTH_PASSWORD_WEAK). */
export const endUserPasswordSchema = z.string().min(1).max(MAX_PASSWORD_CHARACTERS);
export const endUserTokenSchema = z.string().min(1).max(MAX_TOKEN_CHARACTERS);

export const customFieldsSchema = z
  .record(z.string().min(1).max(64), z.json())
  .refine(
    (fields) => new TextEncoder().encode(JSON.stringify(fields)).length <= MAX_CUSTOM_FIELDS_BYTES,
    `Custom fields have at most ${MAX_CUSTOM_FIELDS_BYTES} bytes as JSON.`,
  );
export type CustomFields = z.infer<typeof customFieldsSchema>;

const turnstileTokenSchema = z.string().max(4_000).optional().describe("Where the project asks for Turnstile");

export const endUserProjectParamsSchema = z.object({
  project: z.string().min(1).max(100).describe("The project's slug or id"),
});

export const endUserRegisterRequestSchema = z.object({
  email: endUserEmailSchema,
  password: endUserPasswordSchema.describe("As the project's password policy asks"),
  name: displayNameSchema(1).optional(),
  customFields: customFieldsSchema.optional(),
  turnstileToken: turnstileTokenSchema,
  ageConfirmed: z.boolean().optional().describe("The person is 16 or older; false is refused and nothing is kept"),
});
export type EndUserRegisterRequest = z.infer<typeof endUserRegisterRequestSchema>;

export const endUserLoginRequestSchema = z.object({
  email: endUserEmailSchema,
  password: endUserPasswordSchema,
  turnstileToken: turnstileTokenSchema,
});

/** E.164: a plus sign and up to 15 digits. Spaces, dashes and brackets that people type are left out. */
export const phoneSchema = z
  .string()
  .max(40)
  .transform((text) => text.replace(/[\s().-]/g, ""))
  .pipe(z.string().regex(/^\+[1-9]\d{6,14}$/, "A phone number with its country code, such as +14155550123."));

const redirectToSchema = z
  .string()
  .max(2_000)
  .optional()
  .describe("Where the link leads; on the project's list, with `token` and `type` added to it");
const ageConfirmedSchema = z.boolean().optional().describe("For new users: the person is 16 or older");

/** An address or a number, not both. */
const otpTargetShape = { email: endUserEmailSchema.optional(), phone: phoneSchema.optional() };
const hasOneTarget = ({ email, phone }: { email?: string | undefined; phone?: string | undefined }) =>
  (email === undefined) !== (phone === undefined);
const ONE_TARGET = { error: "Send either email or phone.", path: ["email"] };

export const endUserOtpSendRequestSchema = z
  .object({ ...otpTargetShape, turnstileToken: turnstileTokenSchema })
  .refine(hasOneTarget, ONE_TARGET);
export const endUserOtpVerifyRequestSchema = z
  .object({
    ...otpTargetShape,
    code: z
      .string()
      .trim()
      .regex(/^\d{6}$/, "A code has six digits."),
    ageConfirmed: ageConfirmedSchema,
  })
  .refine(hasOneTarget, ONE_TARGET);

export const endUserMagicLinkRequestSchema = z.object({
  email: endUserEmailSchema,
  redirectTo: redirectToSchema,
  turnstileToken: turnstileTokenSchema,
});
export const endUserMagicLinkVerifyRequestSchema = z.object({
  token: endUserTokenSchema,
  ageConfirmed: ageConfirmedSchema,
});

export const endUserVerifyEmailQuerySchema = z.object({ token: endUserTokenSchema });
export const endUserEmailRequestSchema = z.object({
  email: endUserEmailSchema,
  redirectTo: redirectToSchema,
  turnstileToken: turnstileTokenSchema,
});
export const endUserResetPasswordRequestSchema = z.object({
  token: endUserTokenSchema,
  newPassword: endUserPasswordSchema,
});

export const endUserProviderParamsSchema = endUserProjectParamsSchema.extend({ provider: z.string().min(1).max(32) });
export const endUserOauthStartQuerySchema = z.object({
  redirectTo: redirectToSchema,
  codeChallenge: z
    .string()
    .regex(/^[\w-]{43}$/)
    .optional()
    .describe("S256 challenge (RFC 7636): the code is then good only with its verifier"),
  link: endUserTokenSchema.optional().describe("From POST /me/identities/{provider}"),
  ageConfirmed: z
    .enum(["true", "false"])
    .transform((text) => text === "true")
    .optional(),
});
export const endUserOauthTokenRequestSchema = z.object({
  code: endUserTokenSchema,
  codeVerifier: z
    .string()
    .regex(/^[\w.~-]{43,128}$/)
    .optional(),
});
export const endUserLinkRequestSchema = z.object({ redirectTo: redirectToSchema });
export const endUserLinkResponseSchema = z.object({ success: z.literal(true), url: z.string() });
export const endUserIdentitySchema = z.object({
  provider: z.string(),
  email: z.string().nullable(),
  createdAt: timestampSchema,
});
export const listEndUserIdentitiesResponseSchema = z.object({ identities: z.array(endUserIdentitySchema) });

const sixDigitsSchema = z
  .string()
  .trim()
  .regex(/^\d{6}$/, "A code has six digits.");
const recoveryCodeSchema = z.string().trim().toLowerCase().max(40);

export const endUserTotpSetupResponseSchema = z.object({
  success: z.literal(true),
  secret: z.string().describe("Base 32, for typing in"),
  otpauthUrl: z.string().describe("For a QR code"),
});
export const endUserTotpCodeRequestSchema = z.object({ code: sixDigitsSchema });
export const endUserRecoveryCodesResponseSchema = z.object({
  success: z.literal(true),
  recoveryCodes: z.array(z.string()).describe("Each works once in place of a code; shown this once"),
});
/** A code of the authenticator, or one of the recovery codes. */
export const endUserSecondFactorRequestSchema = z
  .object({ code: sixDigitsSchema.optional(), recoveryCode: recoveryCodeSchema.optional() })
  .refine(({ code, recoveryCode }) => (code === undefined) !== (recoveryCode === undefined), {
    error: "Send either code or recoveryCode.",
    path: ["code"],
  });
export type SecondFactor = z.infer<typeof endUserSecondFactorRequestSchema>;
export const endUserMfaVerifyRequestSchema = z
  .object({
    mfaToken: endUserTokenSchema,
    code: sixDigitsSchema.optional(),
    recoveryCode: recoveryCodeSchema.optional(),
  })
  .refine(({ code, recoveryCode }) => (code === undefined) !== (recoveryCode === undefined), {
    error: "Send either code or recoveryCode.",
    path: ["code"],
  });
export const endUserFactorsResponseSchema = z.object({
  totp: z.boolean(),
  recoveryCodesLeft: z.int(),
  passkeys: z.int(),
});

export const endUserPasskeyOptionsResponseSchema = z.object({
  challengeToken: z.string().describe("Goes back with the browser's answer"),
  options: z.record(z.string(), z.unknown()).describe("For navigator.credentials (WebAuthn Level 3, JSON forms)"),
});
const webauthnResponseSchema = z
  .object({
    id: z.string().max(2_000),
    rawId: z.string().max(2_000),
    type: z.literal("public-key"),
    response: z.record(z.string(), z.unknown()),
    clientExtensionResults: z.record(z.string(), z.unknown()).default({}),
    authenticatorAttachment: z.string().max(50).nullish(),
  })
  .describe("What the browser answered (PublicKeyCredential.toJSON)");
export const endUserPasskeyRegisterRequestSchema = z.object({
  challengeToken: endUserTokenSchema,
  name: displayNameSchema(1).optional(),
  response: webauthnResponseSchema,
});
export const endUserPasskeyLoginRequestSchema = z.object({
  challengeToken: endUserTokenSchema,
  response: webauthnResponseSchema,
});
export const endUserPasskeySchema = z.object({
  id: z.string(),
  name: z.string().nullable(),
  createdAt: timestampSchema,
  lastUsedAt: timestampSchema.nullable(),
  backedUp: z.boolean().describe("It is synchronised over the user's devices"),
});
export const endUserPasskeyResponseSchema = z.object({ success: z.literal(true), passkey: endUserPasskeySchema });
export const listEndUserPasskeysResponseSchema = z.object({ passkeys: z.array(endUserPasskeySchema) });
export const endUserPasskeyParamsSchema = endUserProjectParamsSchema.extend({ passkey: z.string().min(1).max(2_000) });

/** What a log-in screen needs to know. */
export const endUserConfigResponseSchema = z.object({
  appName: z.string(),
  signUp: z.enum(["open", "closed"]),
  requireEmailVerification: z.boolean(),
  requireAgeConfirmation: z.boolean(),
  password: z.record(z.string(), z.union([z.boolean(), z.number()])),
  otp: z.object({ email: z.boolean(), phone: z.boolean() }),
  magicLink: z.boolean(),
  anonymous: z.boolean(),
  passkeys: z.boolean(),
  providers: z.array(z.object({ id: z.string(), type: z.string(), name: z.string(), url: z.string() })),
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
export const listOutboxResponseSchema = z.object({
  messages: z.array(outboxMessageSchema),
  nextCursor: nextCursorSchema,
});

export const endUserRefreshRequestSchema = z.object({ refreshToken: endUserTokenSchema });
export const endUserLogoutRequestSchema = z.object({
  accessToken: z.string().max(8_000).optional(),
  refreshToken: endUserTokenSchema.optional(),
});

/** Both spellings of every field, because the public clients read one or the other. */
export const endUserSchema = z.object({
  id: z.uuid(),
  email: z.string().describe("A placeholder ending in .invalid for users without an address"),
  name: z.string().nullable(),
  phone: z.string().nullable(),
  avatarUrl: z.string().nullable(),
  avatar_url: z.string().nullable(),
  emailVerified: z.boolean(),
  email_verified_at: timestampSchema.nullable(),
  phoneVerified: z.boolean(),
  isAnonymous: z.boolean(),
  customFields: z.record(z.string(), z.json()),
  profile_extras: z.record(z.string(), z.json()),
  metadata: z.record(z.string(), z.json()),
  createdAt: timestampSchema,
  created_at: timestampSchema,
  updatedAt: timestampSchema,
  updated_at: timestampSchema,
});
export type EndUser = z.infer<typeof endUserSchema>;

/** Tokens where a log-in is complete; `requiresVerification` or `mfaRequired` where a step is left. */
export const endUserAuthResponseSchema = z.object({
  success: z.literal(true),
  message: z.string().optional(),
  token: z.string().optional().describe("Access token: a JWT of 15 minutes at most"),
  accessToken: z.string().optional().describe("The same as `token`"),
  refreshToken: z.string().optional().describe("Valid once: each use gives a new one"),
  expiresAt: timestampSchema.optional().describe("When the access token expires"),
  user: endUserSchema.optional(),
  requiresVerification: z.boolean().optional().describe("No tokens yet: the address must be confirmed first"),
  mfaRequired: z.boolean().optional().describe("No tokens yet: send a code with `mfaToken` to /mfa/verify"),
  mfaToken: z.string().optional(),
});
export type EndUserAuthResponse = z.infer<typeof endUserAuthResponseSchema>;

export const endUserSuccessSchema = z.object({ success: z.literal(true), message: z.string().optional() });

/** The user both as `user` and as the object itself. */
export const endUserMeResponseSchema = endUserSchema.extend({ user: endUserSchema });

export const MAX_AVATAR_BYTES = 5 * 1024 * 1024;
const avatarUrlSchema = z
  .string()
  .max(2_000)
  .refine((text) => /^https?:\/\//.test(text) && URL.canParse(text), "An http or https URL.");

/** What a user changes of themselves; null removes, what is left out stays. */
export const endUserProfileRequestSchema = z.object({
  name: displayNameSchema(1).nullable().optional(),
  avatar_url: avatarUrlSchema.nullable().optional(),
  avatarUrl: avatarUrlSchema.nullable().optional(),
  avatar_image_id: z.string().max(100).optional().describe("From POST /me/avatar"),
  customFields: customFieldsSchema.optional().describe("Merged with what is there; null removes a field"),
});
export type EndUserProfileRequest = z.infer<typeof endUserProfileRequestSchema>;

export const endUserAvatarResponseSchema = endUserMeResponseSchema.extend({
  avatar_image_id: z.string(),
  message: z.string(),
});
export const endUserMessageResponseSchema = z.object({ success: z.literal(true), message: z.string() });
export const endUserAvatarParamsSchema = endUserProjectParamsSchema.extend({
  user: z.uuid(),
  image: z.string().min(1).max(100),
});

export const endUserAnonymousRequestSchema = z.object({
  customFields: customFieldsSchema.optional(),
  turnstileToken: turnstileTokenSchema,
  ageConfirmed: ageConfirmedSchema,
});
export const endUserUpgradeRequestSchema = z.object({
  email: endUserEmailSchema,
  password: endUserPasswordSchema,
  name: displayNameSchema(1).optional(),
});
export const endUserChangePasswordRequestSchema = z.object({
  currentPassword: endUserPasswordSchema.optional().describe("Needed where the user has a password"),
  newPassword: endUserPasswordSchema,
});
export const endUserChangeEmailRequestSchema = z.object({ email: endUserEmailSchema, redirectTo: redirectToSchema });
export const endUserDeleteRequestSchema = z.object({
  password: endUserPasswordSchema.optional().describe("Needed where the user has a password"),
});

export const endUserSessionSchema = z.object({
  id: z.string(),
  current: z.boolean(),
  createdAt: timestampSchema,
  lastUsedAt: timestampSchema,
  ip: z.string().nullable(),
  userAgent: z.string().nullable(),
  methods: z
    .array(z.string())
    .describe("How it was opened, such as `pwd`, `otp`, `oauth` (RFC 8176 where it has a name)"),
});
export const listEndUserSessionsResponseSchema = z.object({ sessions: z.array(endUserSessionSchema) });
export const endUserSessionParamsSchema = endUserProjectParamsSchema.extend({ session: z.string().min(1).max(100) });

export const jwksResponseSchema = z.object({ keys: z.array(z.record(z.string(), z.string())) });

export const dataSignupRequestSchema = z.object({
  email: endUserEmailSchema,
  password: endUserPasswordSchema.describe("At least 8 characters"),
  name: displayNameSchema(1).optional(),
  metadata: customFieldsSchema.optional(),
});
export const dataSigninRequestSchema = z.object({ email: endUserEmailSchema, password: endUserPasswordSchema });
export const dataAuthResponseSchema = z.object({
  token: z.string(),
  user: z.object({
    id: z.uuid(),
    email: z.string(),
    name: z.string().nullable(),
    createdAt: timestampSchema,
    metadata: z.record(z.string(), z.json()),
  }),
  expiresAt: timestampSchema,
  refreshToken: z.string(),
});
