import { AerostackError } from "@aerostack/contracts";

/**
 * What to answer where an access token stands for nobody: AUTH_TOKEN_EXPIRED tells a client to use its refresh token,
 * AUTH_TOKEN_INVALID to log in again.
 *
 * @param nowMs Unix time
 */
export function tokenRefusal(token: string, nowMs: number): AerostackError {
  if (saysItHasExpired(token, nowMs)) return new AerostackError("AUTH_TOKEN_EXPIRED");
  return new AerostackError("AUTH_TOKEN_INVALID", {
    message: "The access token is not valid any more.",
    fix: "Use the refresh token or log in to get a new one, or leave out the Authorization header.",
  });
}

/** By its own word, which is enough to choose between two refusals. */
function saysItHasExpired(token: string, nowMs: number): boolean {
  try {
    const payload: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
    const { exp } = payload as { exp?: unknown };
    return typeof exp === "number" && exp * 1_000 <= nowMs;
  } catch {
    return false;
  }
}
