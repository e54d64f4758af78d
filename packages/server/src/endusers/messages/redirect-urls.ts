import { AerostackError, type EndUserSettings } from "@aerostack/contracts";

/**
 * Whether users of the project may be sent to an address: its site, or one on its list. What is not on the list would let
 * anybody send the project's users, with their token, to a place of their own.
 */
export function isAllowedRedirect(urls: EndUserSettings["urls"], text: string): boolean {
  if (!URL.canParse(text)) return false;
  const target = new URL(text);
  if (target.username !== "" || target.password !== "") return false;
  if (urls.site !== null && isBelow(new URL(urls.site), target)) return true;
  return urls.redirects.some((allowed) => {
    const entry = new URL(allowed);
    if (!isSamePlace(entry, target)) return false;
    if (!entry.pathname.endsWith("*")) return entry.pathname === target.pathname;
    return target.pathname.startsWith(entry.pathname.slice(0, -1));
  });
}

/** @throws VALIDATION_ERROR */
export function requireAllowedRedirect(urls: EndUserSettings["urls"], text: string, field: string): void {
  if (isAllowedRedirect(urls, text)) return;
  throw new AerostackError("VALIDATION_ERROR", {
    message: "Users of this project may not be sent to that address.",
    fix: "Add it to urls.redirects in the project's end-user settings.",
    details: { fieldErrors: { [field]: ["is not on the project's list"] } },
  });
}

function isSamePlace(entry: URL, target: URL): boolean {
  // URLs of applications' own schemes have no origin: `shop://callback`.
  return entry.protocol === target.protocol && entry.host === target.host;
}

function isBelow(site: URL, target: URL): boolean {
  const folder = site.pathname.endsWith("/") ? site.pathname : `${site.pathname}/`;
  return isSamePlace(site, target) && `${target.pathname}/`.startsWith(folder);
}

/** An address with parameters added to what it has. */
export function withParameters(url: string, parameters: Readonly<Record<string, string>>): string {
  const target = new URL(url);
  for (const [name, value] of Object.entries(parameters)) target.searchParams.set(name, value);
  return target.href;
}
