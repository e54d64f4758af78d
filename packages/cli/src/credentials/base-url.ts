import { usageError } from "../command/cli-error.ts";

export const DEFAULT_BASE_URL = "http://127.0.0.1:8787";

export type BaseUrlSource = "--api-url" | "AEROSTACK_API_URL" | "configuration file" | "log-in" | "default";

export interface BaseUrl {
  /** Origin without a trailing slash. */
  readonly url: string;
  readonly source: BaseUrlSource;
}

export interface BaseUrlInputs {
  readonly flag: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** `api_url` of the configuration file. */
  readonly configured: string | undefined;
  /** The server that the last log-in was on. */
  readonly loggedIn: string | undefined;
}

/** Which server is meant: the flag, the environment, the configuration file, the last log-in, else this machine's. */
export function resolveBaseUrl({ flag, env, configured, loggedIn }: BaseUrlInputs): BaseUrl {
  const fromEnv = env.AEROSTACK_API_URL;
  if (flag !== undefined) return { url: normaliseBaseUrl(flag, "--api-url"), source: "--api-url" };
  if (fromEnv !== undefined && fromEnv !== "") {
    return { url: normaliseBaseUrl(fromEnv, "AEROSTACK_API_URL"), source: "AEROSTACK_API_URL" };
  }
  if (configured !== undefined) return { url: normaliseBaseUrl(configured, "api_url"), source: "configuration file" };
  if (loggedIn !== undefined) return { url: normaliseBaseUrl(loggedIn, "credentials"), source: "log-in" };
  return { url: DEFAULT_BASE_URL, source: "default" };
}

/** Accepts what other clients are given too: a base that ends in `/v1` or `/api`. */
export function normaliseBaseUrl(text: string, name: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw usageError(`${name} is '${text}', which is not a URL.`, "Give it as https://host or http://127.0.0.1:8787.");
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw usageError(`${name} is '${text}'; the protocol must be https or http.`);
  }
  if (url.username !== "" || url.password !== "") {
    throw usageError(`${name} holds a user name or password.`, "Leave it out; use `aerostack login` for credentials.");
  }
  return url.origin + url.pathname.replace(/\/+$/, "").replace(/\/(?:api\/v1|v1|api)$/, "");
}

export function isLoopback(baseUrl: string): boolean {
  const { hostname } = new URL(baseUrl);
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
