import type { BindingCookie } from "./browser-attempts.ts";

/** As long as an attempt lives. */
export const BINDING_COOKIE_SECONDS = 600;

/** Lax: it comes along when the provider sends the browser back, and with nothing that another site's page does. */
export function setCookie({ name, value }: BindingCookie, seconds: number, path: string, origin: string): string {
  const secure = origin.startsWith("https:") ? "; Secure" : "";
  return `${name}=${value}; Path=${path}; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`;
}

export function cookieValue(header: string, name: string): string | undefined {
  for (const pair of header.split(";")) {
    const [key = "", value = ""] = pair.trim().split("=", 2);
    if (key === name) return value;
  }
  return undefined;
}

/** Sends a browser elsewhere and leaves no trace of where it was. */
export function redirectWithCookie(location: string, cookie: string): Response {
  return new Response(null, {
    status: 302,
    headers: { location, "set-cookie": cookie, "cache-control": "no-store", "referrer-policy": "no-referrer" },
  });
}
