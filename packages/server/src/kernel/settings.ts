import { isIP } from "node:net";
import { PLAN_NAMES, planNameSchema } from "@aerostack/contracts";
import { z } from "zod";
import { numberSetting, setting, urlWithProtocol, wholeNumber } from "./define-setting.ts";
import { LOG_IN_SETTINGS } from "./log-in-settings.ts";

export { SETTING_GROUPS, type Setting } from "./define-setting.ts";

const mailFromSchema = z
  .string()
  .max(200)
  .regex(/^(?:[^<>\r\n"@]{1,100} )?<?[^\s<>@"]+@[^\s<>@"]+>?$/);

const commaSeparated = z.string().transform((text) =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== ""),
);

/** Short names of common authorities. */
const ACME_DIRECTORIES: Readonly<Record<string, string>> = {
  letsencrypt: "https://acme-v02.api.letsencrypt.org/directory",
  "letsencrypt-staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
};

/** Short names of secret scanners. */
const SECRET_SCANNERS: Readonly<Record<string, string>> = {
  github: "https://api.github.com/meta/public_keys/secret_scanning",
};

/**
 * Every setting of the server, in the order of the reference page that is generated from this table. A setting is read
 * from one environment variable, once, at start.
 */
export const SETTINGS = {
  port: setting("Server", "PORT", {
    schema: wholeNumber(0, 65_535),
    allowed: "a port from 1 to 65535, or 0 for any free one",
    description: "The port that the server listens on.",
    fallback: "8787",
  }),
  host: setting("Server", "HOST", {
    schema: z.string().min(1).max(255),
    allowed: "a host name or IP address",
    description:
      "The address that the server listens on. One that is not loopback needs TLS (`AEROSTACK_TLS_CERT`, `AEROSTACK_TLS_KEY`) or `AEROSTACK_TRUST_PROXY`.",
    fallback: "127.0.0.1",
  }),
  dataDir: setting("Server", "AEROSTACK_DATA_DIR", {
    schema: z.string().min(1),
    allowed: "a folder, created when missing",
    description: "Where everything that the server keeps on disk lives. Back it up whole, `secrets.json` included.",
    fallback: "./data",
  }),
  publicUrl: setting("Server", "AEROSTACK_PUBLIC_URL", {
    schema: urlWithProtocol(["http", "https"]).transform((text) => new URL(text).origin),
    allowed: "an http or https origin, such as https://api.example.com",
    description: "The origin under which clients reach the server. By default the address that it listens on.",
  }),
  signUp: setting("Server", "AEROSTACK_SIGN_UP", {
    schema: z.enum(["open", "closed"]),
    allowed: "open or closed",
    description: "Whether anybody may register an account. The first account always comes from the set-up link.",
    fallback: "open",
  }),
  requireConfirmedEmail: setting("Server", "AEROSTACK_REQUIRE_CONFIRMED_EMAIL", {
    schema: z.enum(["on", "off"]),
    allowed: "on or off",
    description:
      "Whether an account has to confirm its e-mail address before it makes projects and invites others. Somebody has to be set to send mail.",
    fallback: "off",
  }),

  securityContact: setting("Server", "AEROSTACK_SECURITY_CONTACT", {
    schema: z
      .string()
      .max(300)
      .regex(/^(?:mailto:[^\s@]+@[^\s@]+|https:\/\/\S+)$/),
    allowed: "a mailto: or https: address",
    description:
      "Whom `/.well-known/security.txt` names for reports of weaknesses. By default the makers of the platform.",
    fallback: "mailto:security@aerostack.dev",
  }),
  securityTextDays: numberSetting("Server", "AEROSTACK_SECURITY_TEXT_DAYS", {
    minimum: 1,
    maximum: 365,
    fallback: 180,
    description: "Days after which a copy of `security.txt` is to be read again.",
  }),

  databaseUrl: setting("Engines", "AEROSTACK_DATABASE_URL", {
    schema: urlWithProtocol(["postgres", "postgresql"]),
    allowed: "a postgres:// URL",
    description:
      "PostgreSQL for accounts, projects, usage and logs. Without it they are SQLite files in the data folder.",
    secret: true,
  }),
  redisUrl: setting("Engines", "AEROSTACK_REDIS_URL", {
    schema: urlWithProtocol(["redis", "rediss"]),
    allowed: "a redis:// or rediss:// URL",
    description: "Redis or Valkey for fan-out and rate limits across several servers. Without it they are in memory.",
    secret: true,
  }),
  s3Url: setting("Engines", "AEROSTACK_S3_URL", {
    schema: urlWithProtocol(["http", "https", "s3"]),
    allowed:
      "https://<key id>:<secret>@<host>/<bucket>?region=…&prefix=…, or s3://<key id>:<secret>@<bucket>?region=… for AWS",
    description:
      "An S3-compatible bucket for the bytes of objects, sealed before they are sent. Without it they are files in the data folder. Objects that are stored already move into it when it is set.",
    secret: true,
  }),

  trustProxy: setting("Network", "AEROSTACK_TRUST_PROXY", {
    schema: commaSeparated.refine((parts) => parts.length > 0),
    allowed: "true, or addresses and networks such as 10.0.0.0/8,192.0.2.7",
    description:
      "Whose `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host` headers are believed. `true`: those of the one proxy in front, whatever its address.",
  }),
  countryHeader: setting("Network", "AEROSTACK_COUNTRY_HEADER", {
    schema: z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9-]{0,60}$/)
      .transform((name) => name.toLowerCase()),
    allowed: "the name of a header, such as CF-IPCountry",
    description:
      "The header in which the trusted proxy names the caller's country (two letters). Set it only where that proxy always writes the header itself: one that only passes it on lets callers choose their country.",
  }),
  hstsBehindProxy: setting("Network", "AEROSTACK_HSTS_BEHIND_PROXY", {
    schema: z.enum(["on", "off"]),
    allowed: "on or off",
    description:
      "Whether answers carry `Strict-Transport-Security` where a proxy ends TLS and AEROSTACK_PUBLIC_URL is an https origin. What this server itself serves over TLS always carries it.",
    fallback: "on",
  }),
  geoTable: setting("Network", "AEROSTACK_GEO_TABLE", {
    schema: z.string().min(1),
    allowed: "built-in, off, or the path of a country or city table in MaxMind's DB format (.mmdb)",
    description:
      "Where the country of a caller's address is looked up, when no trusted proxy tells it. The built-in table is as old as the release; a path names one that you keep up to date.",
    fallback: "built-in",
  }),
  tlsCert: setting("Network", "AEROSTACK_TLS_CERT", {
    schema: commaSeparated.refine((parts) => parts.length > 0),
    allowed: "the path of a PEM file, or several with commas between",
    description:
      "The certificate chain. Together with the key, the server speaks HTTPS (TLS 1.2 or newer). Of several, each host gets the one that names it, and clients that name none the first. Changed files are read within ten seconds.",
  }),
  tlsKey: setting("Network", "AEROSTACK_TLS_KEY", {
    schema: commaSeparated.refine((parts) => parts.length > 0),
    allowed: "the path of a PEM file, or several with commas between",
    description: "The certificate's private key; of several, in the order of the certificates.",
  }),
  acmeDirectory: setting("Network", "AEROSTACK_ACME_DIRECTORY", {
    schema: z
      .string()
      .transform((text) => ACME_DIRECTORIES[text] ?? text)
      .pipe(urlWithProtocol(["https"])),
    allowed: "letsencrypt, letsencrypt-staging, or the https URL of another authority's directory",
    description:
      "The certificate authority that issues certificates for the host of AEROSTACK_PUBLIC_URL and for custom domains. Setting it accepts the authority's terms. Needs AEROSTACK_HTTP_PORT, reachable as port 80.",
  }),
  acmeEmail: setting("Network", "AEROSTACK_ACME_EMAIL", {
    schema: z.email(),
    allowed: "an e-mail address",
    description: "Whom the authority writes to about certificates.",
  }),
  httpPort: setting("Network", "AEROSTACK_HTTP_PORT", {
    schema: wholeNumber(0, 65_535),
    allowed: "a port from 1 to 65535, or 0 for any free one",
    description:
      "A second port that answers plain HTTP: with the proofs that a certificate authority asks for, and with redirects to HTTPS. Nothing else is served there.",
  }),
  firewallManagement: setting("Network", "AEROSTACK_FIREWALL_MANAGEMENT", {
    schema: z.enum(["off", "detect", "block"]),
    allowed: "off, detect or block",
    description:
      "What the firewall does with an attack on the management interface (`/api/`): nothing, a line in the log, or a refusal (`WAF_BLOCKED`).",
    fallback: "block",
  }),
  firewallProjects: setting("Network", "AEROSTACK_FIREWALL_PROJECTS", {
    schema: z.enum(["off", "detect", "block"]),
    allowed: "off, detect or block",
    description:
      "The same for functions, the data plane, and everything else. They carry SQL and code in earnest, so by default a hit is only logged and counted.",
    fallback: "detect",
  }),
  secretScanningKeys: setting("Network", "AEROSTACK_SECRET_SCANNING_KEYS", {
    schema: z
      .string()
      .transform((text) => SECRET_SCANNERS[text] ?? text)
      .pipe(urlWithProtocol(["https", "http"])),
    allowed: "github, or the address of a list of public keys in GitHub's format",
    description:
      "Takes signed reports of leaked keys at `/api/v1/leaked-keys/github` from the secret scanner that has these keys. They are asked of that address when a report comes.",
  }),
  functionsDomain: setting("Network", "AEROSTACK_FUNCTIONS_DOMAIN", {
    schema: z
      .string()
      .regex(/^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i)
      .transform((text) => text.toLowerCase()),
    allowed: "a domain without scheme or port, such as functions.example.com",
    description: "Functions also answer at `<function>.<project>.<this domain>`.",
    fallback: "localhost",
  }),
  dnsServers: setting("Network", "AEROSTACK_DNS_SERVERS", {
    schema: commaSeparated.refine((parts) =>
      parts.every((part) => isIP(part.replace(/^\[(.+)\](?::\d{1,5})?$|^([\d.]+)(?::\d{1,5})?$/, "$1$2")) !== 0),
    ),
    allowed: "addresses of name servers, such as 1.1.1.1,[2606:4700:4700::1111]:53",
    description: "Who is asked for the proofs of custom domains. Without it, the name servers of the machine.",
    fallback: "",
  }),
  egressAllow: setting("Network", "AEROSTACK_EGRESS_ALLOW", {
    schema: commaSeparated.refine((parts) =>
      parts.every((part) => /^(?:\*\.)?[^\s:]+:\d{1,5}$|^\[[\da-f:]+\]:\d{1,5}$/i.test(part)),
    ),
    allowed: "hosts with ports, such as 10.1.2.3:8080,*.internal.example:443",
    description:
      "Private hosts that functions may reach in spite of the egress rule, which refuses private, loopback, link-local and metadata addresses.",
    fallback: "",
  }),

  ...LOG_IN_SETTINGS,

  smtpUrl: setting("Messages", "AEROSTACK_SMTP_URL", {
    schema: urlWithProtocol(["smtp", "smtps"]),
    allowed:
      "an smtp:// URL (STARTTLS) or smtps:// URL (TLS), with user name and password where the server asks for them",
    description:
      "Who sends e-mail for the installation and for projects without a sender of their own. `smtp://` to another machine sends nothing without STARTTLS. Without a sender, messages stay in the outbox, where they can be read.",
    secret: true,
  }),
  resendApiKey: setting("Messages", "AEROSTACK_RESEND_API_KEY", {
    schema: z.string().min(1).max(200),
    allowed: "an API key of Resend",
    description: "Sends e-mail through Resend instead of SMTP.",
    secret: true,
  }),
  mailFrom: setting("Messages", "AEROSTACK_MAIL_FROM", {
    schema: mailFromSchema,
    allowed: "an address, or a name with one, such as Example <no-reply@example.com>",
    description: "Whom e-mail comes from. Needed with a sender.",
  }),
  supportMail: setting("Messages", "AEROSTACK_SUPPORT_MAIL", {
    schema: z.email().max(100),
    allowed: "an e-mail address",
    description:
      "The address that people write to for support, where its mail is handed over to `/api/v1/support/inbound`. Answers to mail of support then go to addresses such as `support+…@example.com`, which the mail server must deliver there too.",
  }),
  supportInboundSecret: setting("Messages", "AEROSTACK_SUPPORT_INBOUND_SECRET", {
    schema: z.string().regex(/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/),
    allowed: "whsec_ and 24 to 64 bytes in base64",
    description:
      "Signs what is handed over to `/api/v1/support/inbound`, as Standard Webhooks has it. Without it no mail is taken in.",
    secret: true,
  }),
  twilioAccountSid: setting("Messages", "AEROSTACK_TWILIO_ACCOUNT_SID", {
    schema: z.string().regex(/^AC[0-9a-f]{32}$/i),
    allowed: "the SID of a Twilio account, AC and 32 hexadecimal digits",
    description:
      "Sends text messages for projects without a sender of their own, with AEROSTACK_TWILIO_AUTH_TOKEN and AEROSTACK_TWILIO_FROM. Without it they stay in the outbox.",
  }),
  twilioAuthToken: setting("Messages", "AEROSTACK_TWILIO_AUTH_TOKEN", {
    schema: z.string().min(1).max(200),
    allowed: "the account's auth token",
    description: "Proves to Twilio whose account it is.",
    secret: true,
  }),
  twilioFrom: setting("Messages", "AEROSTACK_TWILIO_FROM", {
    schema: z.string().regex(/^(?:\+[1-9]\d{6,14}|MG[0-9a-f]{32})$/i),
    allowed: "a number of the account such as +14155550100, or the SID of a messaging service",
    description: "Whom text messages come from.",
  }),

  functionWallMs: numberSetting("Functions", "AEROSTACK_FUNCTION_WALL_MS", {
    minimum: 100,
    maximum: 900_000,
    fallback: 30_000,
    description: "Milliseconds within which a function must begin to answer (`FUNCTION_TIMEOUT`).",
  }),
  functionCpuMs: numberSetting("Functions", "AEROSTACK_FUNCTION_CPU_MS", {
    minimum: 100,
    maximum: 900_000,
    fallback: 10_000,
    description:
      "Milliseconds that a function may compute without yielding (`FUNCTION_CPU_LIMIT`). Time in the kernel counts half; while a process grows quickly it has twice as long, to be ended for its memory.",
  }),
  functionMemoryMb: numberSetting("Functions", "AEROSTACK_FUNCTION_MEMORY_MB", {
    minimum: 64,
    maximum: 65_536,
    fallback: 256,
    description: "Megabytes of memory for the functions of one project together (`FUNCTION_MEMORY_LIMIT`).",
  }),
  functionBodyMb: numberSetting("Functions", "AEROSTACK_FUNCTION_BODY_MB", {
    minimum: 1,
    maximum: 10_240,
    fallback: 100,
    description: "Megabytes of request body that a function may receive (`FUNCTION_BODY_TOO_LARGE`).",
  }),
  functionSubrequests: numberSetting("Functions", "AEROSTACK_FUNCTION_SUBREQUESTS", {
    minimum: 1,
    maximum: 10_000,
    fallback: 50,
    description: "Outgoing requests that a project's functions may have open at once (`EGRESS_LIMIT_EXCEEDED`).",
  }),
  functionIdleMs: numberSetting("Functions", "AEROSTACK_FUNCTION_IDLE_MS", {
    minimum: 1_000,
    maximum: 86_400_000,
    fallback: 300_000,
    description: "Milliseconds without a request after which a project's process is stopped.",
  }),

  anonymousPerMinute: numberSetting("Limits", "AEROSTACK_LIMIT_ANONYMOUS_PER_MINUTE", {
    minimum: 0,
    maximum: 100_000_000,
    fallback: 100,
    description: "Management requests a minute from one address without a credential. 0 switches the limit off.",
  }),
  projectPerMinute: numberSetting("Limits", "AEROSTACK_LIMIT_PROJECT_PER_MINUTE", {
    minimum: 0,
    maximum: 100_000_000,
    fallback: 1_000,
    description: "Requests a minute to the API of one project, or of one account. 0 switches the limit off.",
  }),

  callsPerMinute: numberSetting("Limits", "AEROSTACK_LIMIT_CALLS_PER_MINUTE", {
    minimum: 0,
    maximum: 1_000_000_000,
    fallback: 600_000,
    description: "Calls a minute of one project's functions and data plane with a key. 0 switches the limit off.",
  }),
  anonymousCallsPerMinute: numberSetting("Limits", "AEROSTACK_LIMIT_ANONYMOUS_CALLS_PER_MINUTE", {
    minimum: 0,
    maximum: 1_000_000_000,
    fallback: 6_000,
    description:
      "Calls a minute of one project's public functions from one address without a key. 0 switches the limit off.",
  }),
  connectionsPerAddress: numberSetting("Limits", "AEROSTACK_LIMIT_CONNECTIONS_PER_ADDRESS", {
    minimum: 0,
    maximum: 1_000_000,
    fallback: 1_000,
    description:
      "Connections that one address may have open at once (an IPv6 network of 64 bits counts as one). Trusted proxies and this machine itself have no limit. 0 switches it off.",
  }),
  defaultPlan: setting("Limits", "AEROSTACK_DEFAULT_PLAN", {
    schema: planNameSchema,
    allowed: PLAN_NAMES.join(", "),
    description:
      "The plan of projects for which none was chosen; `self-hosted` holds nobody back on their own machine.",
    fallback: "self-hosted",
  }),
  queryTimeoutMs: numberSetting("Limits", "AEROSTACK_QUERY_TIMEOUT_MS", {
    minimum: 50,
    maximum: 600_000,
    fallback: 10_000,
    description: "Milliseconds that a SQL statement may run (`DB_QUERY_TIMEOUT`).",
  }),

  logLevel: setting("Observability", "AEROSTACK_LOG_LEVEL", {
    schema: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]),
    allowed: "trace, debug, info, warn, error, fatal or silent",
    description: "How much the server writes to its own log (JSON lines on standard error).",
    fallback: "info",
  }),
  metricsPort: setting("Observability", "AEROSTACK_METRICS_PORT", {
    schema: wholeNumber(0, 65_535),
    allowed: "a port from 1 to 65535, or 0 for any free one",
    description:
      "A port of its own, on the same address, for Prometheus' `/metrics`. Without it `/metrics` answers on the main port, to admins only.",
  }),
  otlpEndpoint: setting("Observability", "OTEL_EXPORTER_OTLP_ENDPOINT", {
    schema: urlWithProtocol(["http", "https"]),
    allowed: "an http or https URL",
    description: "An OpenTelemetry collector (OTLP over HTTP) that receives traces. Without it none are made.",
    secret: true,
  }),
} as const;
