import type { IncomingHttpHeaders } from "node:http";
import { confineCookie, ORIGIN_WIDE_HEADERS, PAGE_SANDBOX } from "./api-origin.ts";

/** Headers that belong to one connection and are never passed on (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = new Set([
  "connection",
  "expect",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** What an answer on the API's origin keeps for itself beside them. */
const NOT_ON_API_ORIGIN = new Set([...HOP_BY_HOP, ...ORIGIN_WIDE_HEADERS, "set-cookie"]);

/** Headers that the client's `Connection` header names: they are for the next hop alone. */
function namedByConnection(connection: string | undefined): readonly string[] {
  if (connection === undefined || connection === "keep-alive" || connection === "close") return [];
  return connection.split(",").map((name) => name.trim().toLowerCase());
}

/** Names that only the platform may set on a request to a function. */
function isReserved(name: string): boolean {
  return (
    name.startsWith("x-as-") ||
    name.startsWith("x-aero-") ||
    name === "x-request-id" ||
    name === "x-real-ip" ||
    name.startsWith("cf-") ||
    name.startsWith("x-forwarded-")
  );
}

/** What the platform says of a request to the function that receives it. */
export interface CallFacts {
  readonly requestId: string;
  readonly clientIp: string;
  /** `https` when the client's connection, or the trusted proxy's, is encrypted. */
  readonly scheme: "http" | "https";
  /** Path prefix that the function does not see. */
  readonly prefix: string;
  readonly projectId: string;
  /** Origin of the platform, for calls back to it. */
  readonly platformUrl: string;
  /** Short-lived credential with which the function calls the platform for this project. */
  readonly dispatchToken: string;
  /**
   * The header that carried the caller's platform key, lower case, or null: it ends at the gateway, so that a function
   * never holds its callers' keys. A header of the same name that the platform did not use travels on.
   */
  readonly credentialHeader: string | null;
}

/**
 * The request headers that a function receives, names and values in turn. The client's own
 * `x-as-*`, `cf-*` and `x-forwarded-*` headers never pass: a function may trust what it reads there.
 */
export function functionRequestHeaders(headers: IncomingHttpHeaders, facts: CallFacts): string[] {
  const list: string[] = [];
  const named = namedByConnection(headers.connection);
  for (const name in headers) {
    if (HOP_BY_HOP.has(name) || name === facts.credentialHeader || isReserved(name) || named.includes(name)) continue;
    const value = headers[name];
    if (value === undefined) continue;
    if (typeof value === "string") list.push(name, value);
    else for (const item of value) list.push(name, item);
  }
  list.push(
    "x-request-id",
    facts.requestId,
    "x-forwarded-for",
    facts.clientIp,
    "x-forwarded-proto",
    facts.scheme,
    "cf-connecting-ip",
    facts.clientIp,
    "x-as-project-id",
    facts.projectId,
    "x-as-dispatch-token",
    facts.dispatchToken,
    "x-as-platform-url",
    facts.platformUrl,
  );
  if (facts.prefix !== "") list.push("x-forwarded-prefix", facts.prefix);
  return list;
}

/**
 * A function's answer headers without those that belong to the connection to its process, and with the platform's own;
 * names and values in turn.
 *
 * @param prefix of the function's address; not empty: it answers on the API's origin
 */
export function functionResponseHeaders(
  headers: readonly string[],
  own: Readonly<Record<string, string>>,
  prefix: string,
): string[] {
  const kept: string[] = [];
  const dropped = prefix === "" ? HOP_BY_HOP : NOT_ON_API_ORIGIN;
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] ?? "";
    if (dropped.has(name)) {
      if (name === "set-cookie") kept.push(name, confineCookie(headers[index + 1] ?? "", prefix));
    } else if (own[name] === undefined) kept.push(name, headers[index + 1] ?? "");
  }
  for (const name in own) kept.push(name, own[name] ?? "");
  if (prefix !== "") kept.push("content-security-policy", PAGE_SANDBOX);
  return kept;
}

/** The query of a URL without `apiKey`, the credential that callers of private functions may put there. */
export function withoutApiKeyParameter(path: string): string {
  const mark = path.indexOf("?");
  if (mark === -1 || !path.includes("apiKey=", mark)) return path;
  const kept = path
    .slice(mark + 1)
    .split("&")
    .filter((pair) => !pair.startsWith("apiKey="));
  return kept.length === 0 ? path.slice(0, mark) : `${path.slice(0, mark)}?${kept.join("&")}`;
}
