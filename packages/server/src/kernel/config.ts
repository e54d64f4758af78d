import { isIP } from "node:net";
import { resolve } from "node:path";
import { parseS3Location } from "@aerostack/kernel";
import type { z } from "zod";
import { checkLogInSettings } from "./log-in-settings.ts";
import { SETTINGS, type Setting } from "./settings.ts";

type Settings = typeof SETTINGS;
type OptionalSetting =
  | "publicUrl"
  | "databaseUrl"
  | "redisUrl"
  | "s3Url"
  | "trustProxy"
  | "countryHeader"
  | "smtpUrl"
  | "resendApiKey"
  | "mailFrom"
  | "supportMail"
  | "supportInboundSecret"
  | "twilioAccountSid"
  | "twilioAuthToken"
  | "twilioFrom"
  | "tlsCert"
  | "tlsKey"
  | "acmeDirectory"
  | "acmeEmail"
  | "httpPort"
  | "secretScanningKeys"
  | "metricsPort"
  | "otlpEndpoint"
  | "githubClientId"
  | "githubClientSecret"
  | "googleClientId"
  | "googleClientSecret"
  | "oidcIssuer"
  | "oidcClientId"
  | "oidcClientSecret"
  | "challengeSiteKey"
  | "challengeSecret";

/** The server's settings, read once at start and passed in from there. */
export type Config = {
  readonly [Name in Exclude<keyof Settings, OptionalSetting>]: z.output<Settings[Name]["schema"]>;
} & {
  readonly [Name in OptionalSetting]: z.output<Settings[Name]["schema"]> | undefined;
};

/** A wrong setting: names each variable, what was found (never for secrets) and what is allowed. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/**
 * Reads the settings from environment variables; an empty variable counts as absent.
 *
 * @throws ConfigError naming every variable that is wrong.
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(SETTINGS) as [string, Setting][]) {
    const found = env[setting.variable] === "" ? undefined : env[setting.variable];
    const text = found ?? setting.fallback ?? undefined;
    if (text === undefined) continue;
    const parsed = setting.schema.safeParse(text);
    if (parsed.success) values[name] = parsed.data;
    else {
      const shown = setting.secret ? "a value that is not shown because it may hold a credential" : `'${text}'`;
      problems.push(`${setting.variable}: found ${shown}; allowed is ${setting.allowed}.`);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  const config = { ...values, dataDir: resolve(String(values.dataDir)) } as unknown as Config;
  problems.push(...checkTogether(config));
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

function checkTogether(config: Config): string[] {
  const problems: string[] = [];
  if ((config.tlsCert === undefined) !== (config.tlsKey === undefined)) {
    const missing = config.tlsCert === undefined ? "AEROSTACK_TLS_CERT" : "AEROSTACK_TLS_KEY";
    problems.push(`${missing}: found nothing; a certificate and its key are set together or not at all.`);
  }
  if ((config.tlsCert?.length ?? 0) !== (config.tlsKey?.length ?? 0) && problems.length === 0) {
    problems.push(
      `AEROSTACK_TLS_KEY: found ${config.tlsKey?.length} files for ${config.tlsCert?.length} certificates; each certificate has one key.`,
    );
  }
  if (config.acmeDirectory !== undefined && config.httpPort === undefined) {
    problems.push(
      "AEROSTACK_HTTP_PORT: found nothing; the certificate authority looks at port 80, so something answers there.",
    );
  }
  if (config.acmeDirectory !== undefined && config.publicUrl?.startsWith("https:") !== true) {
    problems.push(
      "AEROSTACK_PUBLIC_URL: found no https origin; a certificate is issued for the host that clients reach.",
    );
  }
  if (!isLoopbackHost(config.host) && !endsTls(config) && config.trustProxy === undefined) {
    problems.push(
      `HOST: found '${config.host}', which other machines can reach, so keys and passwords would cross the network in clear text; ` +
        "allowed is a loopback address, or any address with AEROSTACK_TLS_CERT and AEROSTACK_TLS_KEY, with AEROSTACK_ACME_DIRECTORY, " +
        "or with AEROSTACK_TRUST_PROXY naming the proxy that ends TLS in front.",
    );
  }
  if (config.countryHeader !== undefined && config.trustProxy === undefined) {
    problems.push(
      "AEROSTACK_COUNTRY_HEADER: found a header's name, but no AEROSTACK_TRUST_PROXY; nobody is believed without it.",
    );
  }
  if (config.smtpUrl !== undefined && config.resendApiKey !== undefined) {
    problems.push(
      "AEROSTACK_RESEND_API_KEY: found a value beside AEROSTACK_SMTP_URL; e-mail has one sender, so set one.",
    );
  }
  if ((config.smtpUrl !== undefined || config.resendApiKey !== undefined) && config.mailFrom === undefined) {
    problems.push("AEROSTACK_MAIL_FROM: found nothing; whoever sends e-mail needs an address that it comes from.");
  }
  const twilio = [
    ["AEROSTACK_TWILIO_ACCOUNT_SID", config.twilioAccountSid],
    ["AEROSTACK_TWILIO_AUTH_TOKEN", config.twilioAuthToken],
    ["AEROSTACK_TWILIO_FROM", config.twilioFrom],
  ] as const;
  if (twilio.some(([, value]) => value !== undefined)) {
    for (const [name, value] of twilio) {
      if (value === undefined) problems.push(`${name}: found nothing; Twilio needs account, auth token and sender.`);
    }
  }
  problems.push(...checkLogInSettings(config));
  if (config.s3Url !== undefined) {
    try {
      parseS3Location(config.s3Url);
    } catch (error) {
      const reason = error instanceof Error ? error.message : "it cannot be read";
      problems.push(`AEROSTACK_S3_URL: ${reason}; allowed is ${SETTINGS.s3Url.allowed}.`);
    }
  }
  for (const part of config.trustProxy ?? []) {
    if (part !== "true" && !isAddressOrNetwork(part)) {
      problems.push(`AEROSTACK_TRUST_PROXY: found '${part}'; allowed is ${SETTINGS.trustProxy.allowed}.`);
    }
  }
  return problems;
}

/** Whether the server itself speaks HTTPS on its port. */
export function endsTls(config: Pick<Config, "tlsCert" | "acmeDirectory">): boolean {
  return config.tlsCert !== undefined || config.acmeDirectory !== undefined;
}

/** True for addresses that only the same machine can reach. */
export function isLoopbackHost(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, "").toLowerCase();
  return bare === "localhost" || bare === "::1" || (isIP(bare) === 4 && bare.startsWith("127."));
}

function isAddressOrNetwork(text: string): boolean {
  const [address = "", prefix, ...rest] = text.split("/");
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  if (prefix === undefined) return true;
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128);
}
