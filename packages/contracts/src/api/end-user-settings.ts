import { z } from "zod";
import { functionNameSchema } from "../deploy-config.ts";

// How one project's end users log in. Every part has a default: a project without settings works.

const MINUTE_SECONDS = 60;
/** An access token that was copied is good for as long as it lives, so projects may only shorten it. */
export const MAX_ACCESS_TOKEN_SECONDS = 15 * MINUTE_SECONDS;
const MAX_REDIRECTS = 50;
const MAX_URL_CHARACTERS = 2_000;

/** A header of a message is one line. */
const lineSchema = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
    .regex(/^[^\u0000-\u001f\u007f]*$/, "One line without control characters.");

export const passwordPolicySchema = z.strictObject({
  minLength: z.int().min(8).max(128).default(8),
  requireUppercase: z.boolean().default(true),
  requireLowercase: z.boolean().default(true),
  requireDigit: z.boolean().default(true),
  requireSymbol: z.boolean().default(false),
  refuseCommon: z
    .boolean()
    .default(true)
    .describe("Refuses the passwords that are used most, and those that are hardly more than a name or an address"),
});
export type PasswordPolicy = z.infer<typeof passwordPolicySchema>;

export const jwtSettingsSchema = z.strictObject({
  accessTokenSeconds: z.int().min(MINUTE_SECONDS).max(MAX_ACCESS_TOKEN_SECONDS).default(MAX_ACCESS_TOKEN_SECONDS),
  refreshTokenDays: z.int().min(1).max(365).default(30),
  audience: z
    .string()
    .min(1)
    .max(200)
    .nullable()
    .default(null)
    .describe("`aud` of access tokens; the project's id by default"),
});

/** Schemes that run or read something on the device instead of opening an application. */
const REFUSED_SCHEMES = new Set(["javascript:", "data:", "vbscript:", "file:", "blob:", "about:"]);
export const redirectUrlSchema = z
  .string()
  .max(MAX_URL_CHARACTERS)
  .refine(
    (text) => URL.canParse(text) && !REFUSED_SCHEMES.has(new URL(text).protocol),
    "An absolute URL, such as https://app.example.com/callback.",
  );

export const urlSettingsSchema = z.strictObject({
  site: redirectUrlSchema.nullable().default(null).describe("Where the application is; links in messages lead there"),
  redirects: z
    .array(redirectUrlSchema)
    .max(MAX_REDIRECTS)
    .default([])
    .describe("Where users may be sent after a link or another provider; a path that ends in * stands for all below"),
});

export const mailSettingsSchema = z.strictObject({
  sender: z
    .enum(["default", "smtp", "resend", "outbox"])
    .default("default")
    .describe("`default`: the installation's, or the outbox where it has none"),
  from: lineSchema(200)
    .nullable()
    .default(null)
    .describe("Such as `Shop <no-reply@shop.example>`; needed for an own sender"),
  smtp: z
    .strictObject({
      host: lineSchema(253),
      port: z.int().min(1).max(65_535).default(587),
      security: z.enum(["tls", "starttls", "none"]).default("starttls"),
      user: lineSchema(200).nullable().default(null),
    })
    .nullable()
    .default(null)
    .describe("The password is set as `mail.smtp.password` and never shown"),
});

export const smsSettingsSchema = z.strictObject({
  sender: z
    .enum(["default", "outbox", "twilio"])
    .default("default")
    .describe("`default`: the installation's own sender, or the outbox where it has none"),
  twilio: z
    .strictObject({
      accountSid: z.string().regex(/^AC[0-9a-fA-F]{32}$/, "Begins with AC, followed by 32 hexadecimal digits."),
      from: z
        .string()
        .regex(
          /^(?:\+[1-9]\d{6,14}|MG[0-9a-fA-F]{32}|[A-Za-z0-9 ]{1,11})$/,
          "A number, a messaging service or a name.",
        ),
    })
    .nullable()
    .default(null)
    .describe("The auth token is set as `sms.twilio.authToken` and never shown"),
});

const LOOPBACK_HOSTS = new Set(["localhost", "127.0.0.1", "[::1]"]);
export const issuerSchema = z
  .string()
  .max(500)
  .refine((text) => {
    if (!URL.canParse(text)) return false;
    const { protocol, hostname, search, hash } = new URL(text);
    return (
      search === "" && hash === "" && (protocol === "https:" || (protocol === "http:" && LOOPBACK_HOSTS.has(hostname)))
    );
  }, "An https URL without query.");

const providerShape = {
  enabled: z.boolean().default(true),
  name: lineSchema(60).nullable().default(null).describe("As its button says"),
  clientId: lineSchema(300),
};

/** Somebody else who says who a user is. The client secret is set as `providers.<id>.clientSecret` and never shown. */
export const identityProviderSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("github"), ...providerShape }),
  z.strictObject({ type: z.literal("google"), ...providerShape }),
  z.strictObject({
    type: z.literal("oidc"),
    ...providerShape,
    issuer: issuerSchema,
    scopes: z
      .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/))
      .max(20)
      .default(["openid", "email", "profile"]),
    trustEmail: z
      .boolean()
      .default(false)
      .describe("The provider confirms every address although its tokens do not say so (`email_verified`)"),
  }),
]);
export type IdentityProvider = z.infer<typeof identityProviderSchema>;
const MAX_PROVIDERS = 20;

const MAX_CUSTOM_FIELDS = 100;

/** One field of users that the project declares. */
export const customFieldDefinitionSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, "A letter or underscore, followed by letters, digits and underscores.")
    .refine((name) => name !== "__proto__", "This name is not allowed."),
  type: z.enum(["string", "number", "boolean", "date", "json"]),
  required: z.boolean().default(false).describe("Asked for at sign-up by password"),
  editable: z.boolean().default(true).describe("False: only the project itself writes it"),
  maxLength: z.int().min(1).max(5_000).default(500).describe("Of strings, in characters"),
  values: z
    .array(z.string().max(200))
    .max(200)
    .nullable()
    .default(null)
    .describe("Strings that are allowed; null: all"),
});
export type CustomFieldDefinition = z.infer<typeof customFieldDefinitionSchema>;

/** A function of the project that is asked or told. */
const hookSchema = z
  .strictObject({
    function: functionNameSchema,
    path: z
      .string()
      .max(500)
      .regex(/^\/[\x21-\x7e]*$/, "A path, beginning with a slash.")
      .default("/"),
  })
  .nullable()
  .default(null);

export const hookSettingsSchema = z.strictObject({
  beforeRegister: hookSchema.describe("May refuse a new user"),
  afterRegister: hookSchema,
  beforeLogin: hookSchema.describe("May refuse a log-in"),
  afterLogin: hookSchema,
  beforeMerge: hookSchema.describe("Moves what an anonymous user has to the user whom they turned out to be"),
  beforeToken: hookSchema.describe("May add claims to an access token, or refuse it"),
  onFailure: z
    .enum(["refuse", "allow"])
    .default("refuse")
    .describe("What happens when a function that may refuse does not answer, or not rightly"),
  timeoutMs: z.int().min(100).max(10_000).default(3_000),
});

export const MESSAGE_KINDS = [
  "verify-email",
  "reset-password",
  "magic-link",
  "otp-email",
  "otp-phone",
  "account-exists",
] as const;
export type MessageKind = (typeof MESSAGE_KINDS)[number];

export const messageTemplateSchema = z.strictObject({
  subject: lineSchema(200),
  text: z.string().min(1).max(20_000),
  html: z.string().max(100_000).nullable().default(null),
});

export const endUserSettingsSchema = z.strictObject({
  signUp: z.enum(["open", "closed"]).default("open").describe("Closed: only the project itself makes users"),
  requireEmailVerification: z.boolean().default(false).describe("No tokens before the address is confirmed"),
  requireAgeConfirmation: z.boolean().default(false).describe("Sign-up must say that the person is 16 or older"),
  appName: lineSchema(100)
    .nullable()
    .default(null)
    .describe("What messages call the application; its project's name by default"),
  password: passwordPolicySchema.prefault({}),
  jwt: jwtSettingsSchema.prefault({}),
  urls: urlSettingsSchema.prefault({}),
  otp: z.strictObject({ email: z.boolean().default(true), phone: z.boolean().default(true) }).prefault({}),
  anonymous: z.strictObject({ enabled: z.boolean().default(false) }).prefault({}),
  customFields: z
    .array(customFieldDefinitionSchema)
    .max(MAX_CUSTOM_FIELDS)
    .refine((fields) => new Set(fields.map(({ name }) => name)).size === fields.length, "Names are unique.")
    .nullable()
    .default(null)
    .describe("Null: users may keep any fields"),
  magicLink: z.strictObject({ enabled: z.boolean().default(true) }).prefault({}),
  providers: z
    .record(
      z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, "Lower-case letters, digits and dashes."),
      identityProviderSchema,
    )
    .refine((providers) => Object.keys(providers).length <= MAX_PROVIDERS, `At most ${MAX_PROVIDERS}.`)
    .default({})
    .describe("By an id of your own, which is part of the callback address"),
  totp: z.strictObject({ enabled: z.boolean().default(true) }).prefault({}),
  passkeys: z
    .strictObject({
      enabled: z.boolean().default(true),
      rpId: z
        .string()
        .max(253)
        .regex(/^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/, "A domain in lower case.")
        .nullable()
        .default(null)
        .describe("The domain that passkeys belong to; that of urls.site by default"),
      origins: z
        .array(z.string().max(300))
        .max(20)
        .default([])
        .describe("Where they may be used, such as https://app.example.com; that of urls.site by default"),
    })
    .prefault({}),
  turnstile: z
    .strictObject({ enabled: z.boolean().default(false), siteKey: lineSchema(100).nullable().default(null) })
    .prefault({})
    .describe("Cloudflare Turnstile at sign-up, log-in and before messages; the secret is `turnstile.secretKey`"),
  hooks: hookSettingsSchema.prefault({}),
  mail: mailSettingsSchema.prefault({}),
  sms: smsSettingsSchema.prefault({}),
  templates: z
    .partialRecord(z.enum(MESSAGE_KINDS), messageTemplateSchema)
    .default({})
    .describe("Texts of the project's own, with {{appName}}, {{link}}, {{code}} and {{minutes}}"),
});
export type EndUserSettings = z.infer<typeof endUserSettingsSchema>;

/** What of the settings changes, as a JSON merge patch (RFC 7396): parts left out stay, null goes back to the default. */
export const updateEndUserSettingsRequestSchema = z
  .record(z.string(), z.json())
  .describe("A JSON merge patch of the settings: what is left out stays, null goes back to the default");

export const endUserSettingsResponseSchema = z.object({
  settings: endUserSettingsSchema,
  secrets: z.array(z.string()).describe("Which secrets are set, by their path, such as `mail.smtp.password`"),
});
