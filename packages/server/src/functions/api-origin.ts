/**
 * Functions whose address is a path (`/f/<project>/<function>`, `/v1/custom/<function>`) answer on the origin of the
 * management API. What they answer must not act for it: neither by a script in a page, nor by a header that is meant for
 * the whole origin.
 */

/**
 * Gives a page an opaque origin (HTML, 7.6.2, "sandboxing"): its scripts read nothing of the API's origin, and what they ask of
 * it carries `Origin: null` and no cookie. On an answer that is no page it means nothing. It stands on every answer, as a
 * browser keeps a script's fetch and shows it as a page later.
 */
export const PAGE_SANDBOX =
  "sandbox allow-scripts allow-forms allow-modals allow-downloads allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation";

/** Headers by which one answer speaks for its whole origin: they would end log-ins, report visitors or lead them away. */
export const ORIGIN_WIDE_HEADERS = [
  "alt-svc",
  "clear-site-data",
  "nel",
  "origin-agent-cluster",
  "report-to",
  "service-worker-allowed",
  "strict-transport-security",
] as const;

/**
 * A function's cookie, kept below the function's address: no other path of the API's host is sent it. A path that the function
 * names is one of its own, which begins after the prefix; one that has the prefix already stays.
 *
 * @example confineCookie("a=1; Path=/api; HttpOnly", "/f/shop/site") // "a=1; HttpOnly; Path=/f/shop/site/api"
 */
export function confineCookie(cookie: string, prefix: string): string {
  const kept: string[] = [];
  let path = "";
  for (const part of cookie.split(";")) {
    const attribute = kept.length === 0 ? "" : part.trim().toLowerCase();
    if (/^path\s*=/.test(attribute)) path = part.slice(part.indexOf("=") + 1).trim();
    else if (!/^(?:path|domain)\s*(?:=|$)/.test(attribute)) kept.push(part);
  }
  const isBelow = path === prefix || path.startsWith(`${prefix}/`);
  const ownPath = path.startsWith("/") && path !== "/" ? path : "";
  // Of several paths a browser takes the last (RFC 6265, 5.2): whatever was not understood above counts for nothing.
  return `${kept.join(";")}; Path=${isBelow ? path : `${prefix}${ownPath}`}`;
}

/** The headers of a static file on the API's origin. Its page may load modules and fonts of its own, which are cross-origin now. */
export function assetHeadersOnApiOrigin(headers: Readonly<Record<string, string>>): Record<string, string> {
  const policy = headers["content-security-policy"];
  const kept: Record<string, string> = { "access-control-allow-origin": "*", ...headers };
  for (const name of [...ORIGIN_WIDE_HEADERS, "set-cookie"]) delete kept[name];
  kept["content-security-policy"] = policy === undefined ? PAGE_SANDBOX : `${policy}, ${PAGE_SANDBOX}`;
  return kept;
}

const ORIGIN_WIDE_LINE = new RegExp(`^(?:set-cookie|${ORIGIN_WIDE_HEADERS.join("|")})[ \\t]*:.*\\r\\n`, "gim");

/** The head of a WebSocket handshake's answer without what would speak for the API's origin. */
export function handshakeOnApiOrigin(head: string): string {
  return head.replace(ORIGIN_WIDE_LINE, "");
}
