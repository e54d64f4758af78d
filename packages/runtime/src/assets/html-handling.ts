import type { AssetsConfig } from "@aerostack/contracts";

/** Where a request's path leads among the files: to one of them, to another address, or nowhere. */
export type PathResolution = { readonly file: string } | { readonly redirect: string } | null;

export type HtmlHandling = AssetsConfig["htmlHandling"];

/**
 * Maps `/about`, `/about/`, `/about.html`, `/blog/` … to files, with one canonical address for each page
 * (https://developers.cloudflare.com/workers/static-assets/routing/advanced/html-handling/).
 *
 * @param path decoded path of the request
 * @param has whether a file with that path exists
 */
export function resolveHtmlPath(path: string, handling: HtmlHandling, has: (file: string) => boolean): PathResolution {
  if (handling === "none") return has(path) ? { file: path } : null;
  const isPage = path.endsWith(".html");
  if (!isPage && !path.endsWith("/") && has(path)) return { file: path };
  const stem = pageStem(path);
  const page = stem === "" ? null : `${stem}.html`;
  const index = `${stem}/index.html`;
  const address = canonicalAddress(stem, handling, {
    page: page !== null && has(page),
    index: has(index),
    asked: path,
  });
  if (address === null) return null;
  if (address.path !== path) return { redirect: address.path };
  return { file: address.kind === "page" ? `${stem}.html` : index };
}

/** What a page's address has in common in all its spellings: `/a`, `/a/`, `/a.html`, `/a/index` and `/a/index.html`. */
function pageStem(path: string): string {
  return path
    .replace(/\.html$/, "")
    .replace(/\/index$/, "/")
    .replace(/\/$/, "");
}

function canonicalAddress(
  stem: string,
  handling: Exclude<HtmlHandling, "none">,
  found: { readonly page: boolean; readonly index: boolean; readonly asked: string },
): { readonly path: string; readonly kind: "page" | "index" } | null {
  const bare = stem === "" ? "/" : stem;
  const slashed = `${stem}/`;
  if (found.page && found.index && handling === "auto-trailing-slash") {
    // Both `/a.html` and `/a/index.html`: each keeps an address of its own.
    const meansIndex = found.asked.endsWith("/") || /\/index(?:\.html)?$/.test(found.asked);
    return meansIndex ? { path: slashed, kind: "index" } : { path: bare, kind: "page" };
  }
  const kind = found.page ? "page" : found.index ? "index" : null;
  if (kind === null) return null;
  const wantsSlash = handling === "force-trailing-slash" || (handling === "auto-trailing-slash" && kind === "index");
  return { path: wantsSlash ? slashed : bare, kind };
}
