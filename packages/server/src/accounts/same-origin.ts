import { AerostackError } from "@aerostack/contracts";

/**
 * For requests that a browser's cookie speaks for: lets them pass from pages of this server's own origin only, as the browser
 * says by `Sec-Fetch-Site` and `Origin` (Fetch, 3.2). A sandboxed page of a function is none: its origin is `null`.
 *
 * @param ownOrigin where this server is reached as it is configured; the host that was asked counts, too
 * @throws FORBIDDEN · UNSUPPORTED_MEDIA_TYPE when the content type is not JSON, which no form can send
 */
export function requireSameOrigin(request: Request, ownOrigin: string): void {
  const { headers } = request;
  const site = headers.get("sec-fetch-site");
  const origin = headers.get("origin");
  const isForeign =
    (site !== null && site !== "same-origin") || (origin !== null && !isOwn(origin, request, ownOrigin));
  // Neither header: no browser that is known to keep foreign pages apart.
  if (isForeign || (site === null && origin === null)) {
    throw new AerostackError("FORBIDDEN", {
      message: "A log-in that is kept in a cookie is used by pages of this server only.",
      fix: "Programs leave the header X-Aerostack-Session out, and send the refresh token in the body.",
    });
  }
  if (!/^application\/json\b/i.test(headers.get("content-type") ?? "")) {
    throw new AerostackError("UNSUPPORTED_MEDIA_TYPE", { fix: "Send the header 'Content-Type: application/json'." });
  }
}

function isOwn(origin: string, request: Request, ownOrigin: string): boolean {
  if (origin === ownOrigin) return true;
  if (!URL.canParse(origin)) return false;
  const { protocol, host } = new URL(origin);
  // A page that came without TLS may have been written by anybody on the way.
  return host === new URL(request.url).host && (protocol === "https:" || !ownOrigin.startsWith("https:"));
}
