import { z } from "zod";
import { numberSetting, setting } from "./define-setting.ts";

const clientIdSchema = z.string().min(1).max(300);
const clientSecretSchema = z.string().min(1).max(1_000);

/** Where passwords and codes travel: encrypted, or on this machine. No query, no fragment, no credential in it. */
const providerUrlSchema = z
  .string()
  .max(500)
  .refine((text) => {
    if (!URL.canParse(text)) return false;
    const { protocol, hostname, search, hash, username } = new URL(text);
    const isLocal = protocol === "http:" && ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
    return (protocol === "https:" || isLocal) && search === "" && hash === "" && username === "";
  })
  .transform((text) => text.replace(/\/$/, ""));
const PROVIDER_URL = "an https URL without query, or an http one on this machine";
/** An issuer is compared letter by letter (OpenID Connect Discovery 1.0, section 4.3), so it stays as it is. */
const issuerSchema = z.string().refine((text) => providerUrlSchema.safeParse(text).success);

/** Other providers that accounts log in through. Each is on once its client id and secret are set. */
export const LOG_IN_SETTINGS = {
  githubClientId: setting("Log-in", "AEROSTACK_GITHUB_CLIENT_ID", {
    schema: clientIdSchema,
    allowed: "the client id of an OAuth app of GitHub",
    description:
      "Accounts may log in through GitHub, with AEROSTACK_GITHUB_CLIENT_SECRET. The callback address to register there is `<public URL>/api/auth/oauth/github/callback`.",
  }),
  githubClientSecret: setting("Log-in", "AEROSTACK_GITHUB_CLIENT_SECRET", {
    schema: clientSecretSchema,
    allowed: "the OAuth app's client secret",
    description: "Proves to GitHub who asks.",
    secret: true,
  }),
  githubUrl: setting("Log-in", "AEROSTACK_GITHUB_URL", {
    schema: providerUrlSchema,
    allowed: PROVIDER_URL,
    description: "Where people log in at GitHub; another one for a GitHub Enterprise Server.",
    fallback: "https://github.com",
  }),
  githubApiUrl: setting("Log-in", "AEROSTACK_GITHUB_API_URL", {
    schema: providerUrlSchema,
    allowed: PROVIDER_URL,
    description: "Where GitHub's API is; `https://<host>/api/v3` for a GitHub Enterprise Server.",
    fallback: "https://api.github.com",
  }),
  googleClientId: setting("Log-in", "AEROSTACK_GOOGLE_CLIENT_ID", {
    schema: clientIdSchema,
    allowed: "the id of an OAuth client of Google",
    description:
      "Accounts may log in through Google, with AEROSTACK_GOOGLE_CLIENT_SECRET. The callback address is `<public URL>/api/auth/oauth/google/callback`.",
  }),
  googleClientSecret: setting("Log-in", "AEROSTACK_GOOGLE_CLIENT_SECRET", {
    schema: clientSecretSchema,
    allowed: "the OAuth client's secret",
    description: "Proves to Google who asks.",
    secret: true,
  }),
  googleIssuer: setting("Log-in", "AEROSTACK_GOOGLE_ISSUER", {
    schema: issuerSchema,
    allowed: PROVIDER_URL,
    description: "Who signs Google's ID tokens.",
    fallback: "https://accounts.google.com",
  }),
  oidcIssuer: setting("Log-in", "AEROSTACK_OIDC_ISSUER", {
    schema: issuerSchema,
    allowed: PROVIDER_URL,
    description:
      "Accounts may log in through this provider of OpenID Connect, with AEROSTACK_OIDC_CLIENT_ID and AEROSTACK_OIDC_CLIENT_SECRET. The callback address is `<public URL>/api/auth/oauth/oidc/callback`.",
  }),
  oidcClientId: setting("Log-in", "AEROSTACK_OIDC_CLIENT_ID", {
    schema: clientIdSchema,
    allowed: "the client id that the provider knows this installation by",
    description: "Who asks that provider.",
  }),
  oidcClientSecret: setting("Log-in", "AEROSTACK_OIDC_CLIENT_SECRET", {
    schema: clientSecretSchema,
    allowed: "the client's secret there",
    description: "Proves to that provider who asks.",
    secret: true,
  }),
  oidcName: setting("Log-in", "AEROSTACK_OIDC_NAME", {
    schema: z.string().trim().min(1).max(60),
    allowed: "a name of at most 60 characters",
    description: "What people are shown that provider by.",
    fallback: "Single sign-on",
  }),
  sessionIdleDays: numberSetting("Log-in", "AEROSTACK_SESSION_IDLE_DAYS", {
    minimum: 1,
    maximum: 365,
    fallback: 30,
    description: "Days after its last use in which a session of an account ends.",
  }),
  sessionDays: numberSetting("Log-in", "AEROSTACK_SESSION_DAYS", {
    minimum: 1,
    maximum: 3_650,
    fallback: 90,
    description: "Days after its log-in in which a session of an account ends, however much it is used.",
  }),
  challengeSiteKey: setting("Log-in", "AEROSTACK_CHALLENGE_SITE_KEY", {
    schema: z.string().regex(/^[\w.-]{1,200}$/),
    allowed: "the site key of a widget of Turnstile or a service that answers as it does",
    description:
      "Registrations have to solve a challenge, and so have log-ins after three within 15 minutes for one e-mail address; with AEROSTACK_CHALLENGE_SECRET. Off by default: it is the only thing on a page that comes from somebody else.",
  }),
  challengeSecret: setting("Log-in", "AEROSTACK_CHALLENGE_SECRET", {
    schema: clientSecretSchema,
    allowed: "the widget's secret key",
    description: "Proves to that service who asks.",
    secret: true,
  }),
  challengeVerifyUrl: setting("Log-in", "AEROSTACK_CHALLENGE_VERIFY_URL", {
    schema: providerUrlSchema,
    allowed: PROVIDER_URL,
    description: "Where solutions are checked, those of the installation's own challenge and those of projects.",
    fallback: "https://challenges.cloudflare.com/turnstile/v0/siteverify",
  }),
  challengeScriptUrl: setting("Log-in", "AEROSTACK_CHALLENGE_SCRIPT_URL", {
    schema: providerUrlSchema,
    allowed: PROVIDER_URL,
    description: "Where the widget's script comes from; its origin is the only foreign one that pages admit.",
    fallback: "https://challenges.cloudflare.com/turnstile/v0/api.js",
  }),
} as const;

const TOGETHER = [
  ["challengeSiteKey", "challengeSecret"],
  ["githubClientId", "githubClientSecret"],
  ["googleClientId", "googleClientSecret"],
  ["oidcIssuer", "oidcClientId", "oidcClientSecret"],
] as const;

/** What is set only in part. */
export function checkLogInSettings(config: Partial<Record<(typeof TOGETHER)[number][number], unknown>>): string[] {
  return TOGETHER.filter((names) => names.some((name) => config[name] !== undefined)).flatMap((names) => {
    const variables = names.map((name) => LOG_IN_SETTINGS[name].variable).join(", ");
    return names
      .filter((name) => config[name] === undefined)
      .map((name) => `${LOG_IN_SETTINGS[name].variable}: found nothing; ${variables} are set together or not at all.`);
  });
}
