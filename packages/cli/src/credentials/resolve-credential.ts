import type { BaseUrl } from "./base-url.ts";
import type { Credentials } from "./credentials-file.ts";

export type CredentialSource = "AEROSTACK_API_KEY" | "configuration file" | "log-in";

export interface Credential {
  readonly key: string;
  readonly source: CredentialSource;
}

export interface CredentialInputs {
  readonly env: NodeJS.ProcessEnv;
  /** `api_key` of the configuration file. */
  readonly configured: string | undefined;
  readonly credentials: Credentials;
  readonly baseUrl: BaseUrl;
}

/**
 * Which key is sent: the environment's, the configuration file's, else the one that the server meant gave at log-in. A
 * stored key never goes to another server: a configuration file from elsewhere may name any `api_url`.
 */
export function resolveCredential({ env, configured, credentials, baseUrl }: CredentialInputs): Credential | undefined {
  const fromEnv = env.AEROSTACK_API_KEY;
  if (fromEnv !== undefined && fromEnv !== "") return { key: fromEnv, source: "AEROSTACK_API_KEY" };
  if (configured !== undefined && configured !== "") return { key: configured, source: "configuration file" };
  const entry = credentials.servers?.[baseUrl.url];
  if (entry !== undefined) return { key: entry.api_key, source: "log-in" };
  // A file of another client names no server.
  const unbound = credentials.api_url === undefined ? credentials.api_key : undefined;
  if (unbound !== undefined && baseUrl.source !== "configuration file") return { key: unbound, source: "log-in" };
  return undefined;
}
