import { BINDING_HEADER, TOKEN_HEADER } from "../config/build-config.ts";

/** Headers of one connection (RFC 9110, section 7.6.1), and those that the platform adds for itself. */
const NOT_FORWARDED = new Set([
  "connection",
  "expect",
  "host",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  BINDING_HEADER,
  TOKEN_HEADER,
]);

/** Credentials that the platform gave the function for calls of the platform itself. */
const FOR_THE_PLATFORM = new Set(["x-as-dispatch-token", "x-as-service-token"]);

/**
 * The headers of a request on its way out. A function that passes its own request's headers on does not pass its credentials
 * on with them: only the platform gets those.
 */
export function outgoingHeaders(rawHeaders: readonly string[], toPlatform: boolean): string[] {
  const kept = forwardedHeaders(rawHeaders);
  if (toPlatform) return kept;
  return kept.filter((_, index) => !FOR_THE_PLATFORM.has((kept[index - (index % 2)] ?? "").toLowerCase()));
}

/** A flat name-value list without what must not travel on; `Host` is set anew from the URL. */
export function forwardedHeaders(rawHeaders: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    if (!NOT_FORWARDED.has(name.toLowerCase())) kept.push(name, rawHeaders[i + 1] ?? "");
  }
  return kept;
}
