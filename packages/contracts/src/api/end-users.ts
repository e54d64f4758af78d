import { z } from "zod";
import { displayNameSchema, timestampSchema } from "./common.ts";
import {
  customFieldsSchema,
  endUserAgeConfirmedSchema,
  endUserEmailSchema,
  endUserPasswordSchema,
  endUserProjectParamsSchema,
  endUserRedirectToSchema,
  endUserTokenSchema,
  endUserTurnstileTokenSchema,
  phoneSchema,
} from "./end-user-model.ts";

// How a project's end users sign up, log in and stay logged in: below /api/v1/public/projects/{project}/auth and at
// /v1/auth/*.

export const endUserRegisterRequestSchema = z.object({
  email: endUserEmailSchema,
  password: endUserPasswordSchema.describe("As the project's password policy asks"),
  name: displayNameSchema(1).optional(),
  customFields: customFieldsSchema.optional(),
  turnstileToken: endUserTurnstileTokenSchema,
  ageConfirmed: z.boolean().optional().describe("The person is 16 or older; false is refused and nothing is kept"),
});
export type EndUserRegisterRequest = z.infer<typeof endUserRegisterRequestSchema>;

export const endUserLoginRequestSchema = z.object({
  email: endUserEmailSchema,
  password: endUserPasswordSchema,
  turnstileToken: endUserTurnstileTokenSchema,
});

/** An address or a number, not both. */
const otpTargetShape = { email: endUserEmailSchema.optional(), phone: phoneSchema.optional() };
const hasOneTarget = ({ email, phone }: { email?: string | undefined; phone?: string | undefined }) =>
  (email === undefined) !== (phone === undefined);
const ONE_TARGET = { error: "Send either email or phone.", path: ["email"] };

export const endUserOtpSendRequestSchema = z
  .object({ ...otpTargetShape, turnstileToken: endUserTurnstileTokenSchema })
  .refine(hasOneTarget, ONE_TARGET);
export const endUserOtpVerifyRequestSchema = z
  .object({
    ...otpTargetShape,
    code: z
      .string()
      .trim()
      .regex(/^\d{6}$/, "A code has six digits."),
    ageConfirmed: endUserAgeConfirmedSchema,
  })
  .refine(hasOneTarget, ONE_TARGET);

export const endUserMagicLinkRequestSchema = z.object({
  email: endUserEmailSchema,
  redirectTo: endUserRedirectToSchema,
  turnstileToken: endUserTurnstileTokenSchema,
});
export const endUserMagicLinkVerifyRequestSchema = z.object({
  token: endUserTokenSchema,
  ageConfirmed: endUserAgeConfirmedSchema,
});

export const endUserVerifyEmailQuerySchema = z.object({ token: endUserTokenSchema });
export const endUserEmailRequestSchema = z.object({
  email: endUserEmailSchema,
  redirectTo: endUserRedirectToSchema,
  turnstileToken: endUserTurnstileTokenSchema,
});
export const endUserResetPasswordRequestSchema = z.object({
  token: endUserTokenSchema,
  newPassword: endUserPasswordSchema,
});

export const endUserRefreshRequestSchema = z.object({ refreshToken: endUserTokenSchema });
export const endUserLogoutRequestSchema = z.object({
  accessToken: z.string().max(8_000).optional(),
  refreshToken: endUserTokenSchema.optional(),
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
  turnstileSiteKey: z.string().nullable(),
  providers: z.array(z.object({ id: z.string(), type: z.string(), name: z.string(), url: z.string() })),
});
