import type { AssetsConfig } from "@aerostack/contracts";
import { type OpenFile, readWhole } from "../stored-file.ts";
import { type AssetFile, type AssetManifest, HEADERS_FILE, REDIRECTS_FILE } from "./asset-manifest.ts";
import { type ByteRange, parseByteRange } from "./byte-range.ts";
import { contentTypeOf } from "./content-type.ts";
import { applyHeaderRules, type HeaderRule, parseHeadersFile } from "./headers-file.ts";
import { resolveHtmlPath } from "./html-handling.ts";
import { findRedirect, parseRedirectsFile, type RedirectRule } from "./redirects-file.ts";

export interface AssetRequest {
  readonly method: string;
  /** Path and query as they came, percent-encoded. */
  readonly target: string;
  /** Host that the client asked, for rules that name one. */
  readonly host: string;
  /** Lower-case names; those that matter are if-none-match, range and if-range. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface AssetAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** What of which file makes the body; null for none. */
  readonly body: { readonly open: OpenFile; readonly range: ByteRange } | null;
}

/** The static files of one function version, with their rules. */
export interface AssetSite {
  /** Null when no file, rule or fall-back answers: it is the function's turn, or a 404. */
  answer(request: AssetRequest): AssetAnswer | null;
  /** What is wrong in `_headers` and `_redirects`; such lines are left out. */
  readonly problems: readonly string[];
}

/** Browsers ask again each time, and get 304 while the file is the same. */
const CACHE_CONTROL = "public, max-age=0, must-revalidate";
const MAX_RULES_BYTES = 256 * 1024;

/** @throws when the files with the rules cannot be read */
export async function createAssetSite(manifest: AssetManifest, config: AssetsConfig): Promise<AssetSite> {
  const [headersText, redirectsText] = await Promise.all([
    readRules(manifest.get(HEADERS_FILE)),
    readRules(manifest.get(REDIRECTS_FILE)),
  ]);
  const headers = parseHeadersFile(headersText);
  const redirects = parseRedirectsFile(redirectsText);
  return {
    problems: [...headers.problems, ...redirects.problems],
    answer: (request) =>
      answerRequest(request, { manifest, config, headers: headers.rules, redirects: redirects.rules }),
  };
}

async function readRules(file: AssetFile | undefined): Promise<string> {
  if (file === undefined || file.sizeBytes > MAX_RULES_BYTES) return "";
  return (await readWhole(file.open)).toString();
}

interface Site {
  readonly manifest: AssetManifest;
  readonly config: AssetsConfig;
  readonly headers: readonly HeaderRule[];
  readonly redirects: readonly RedirectRule[];
}

function answerRequest(request: AssetRequest, site: Site): AssetAnswer | null {
  const mark = request.target.indexOf("?");
  const encoded = mark === -1 ? request.target : request.target.slice(0, mark);
  const search = mark === -1 ? "" : request.target.slice(mark);
  const path = decodePath(encoded);
  if (path === null) return null;
  const isRead = request.method === "GET" || request.method === "HEAD";

  const redirect = findRedirect(site.redirects, path, search, request.host);
  if (redirect !== null && redirect.status !== 200) {
    return isRead ? redirectTo(redirect.location, redirect.status) : null;
  }
  const wanted = redirect === null ? path : redirect.location;
  const found = resolve(wanted, site, redirect !== null);
  if (found === null) return isRead ? notFound(request, path, site) : null;
  if (!isRead) return { status: 405, headers: { allow: "GET, HEAD", "content-length": "0" }, body: null };
  if ("redirect" in found) return redirectTo(encodePath(found.redirect) + search, 307);
  return serve(request, found.file, 200, path, site);
}

function decodePath(encoded: string): string | null {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return null;
  }
}

function encodePath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

function servable(path: string, { manifest }: Site): AssetFile | undefined {
  return path === HEADERS_FILE || path === REDIRECTS_FILE ? undefined : manifest.get(path);
}

function resolve(
  path: string,
  site: Site,
  rewritten: boolean,
): { readonly file: AssetFile } | { readonly redirect: string } | null {
  const exact = servable(path, site);
  // A rewrite names a file; its address is not the client's affair.
  if (rewritten && exact !== undefined) return { file: exact };
  const found = resolveHtmlPath(path, site.config.htmlHandling, (file) => servable(file, site) !== undefined);
  if (found === null || "redirect" in found)
    return rewritten && found !== null ? followOnce(found.redirect, site) : found;
  const file = servable(found.file, site);
  return file === undefined ? null : { file };
}

function followOnce(path: string, site: Site): { readonly file: AssetFile } | null {
  const found = resolveHtmlPath(path, site.config.htmlHandling, (file) => servable(file, site) !== undefined);
  const file = found !== null && "file" in found ? servable(found.file, site) : undefined;
  return file === undefined ? null : { file };
}

function notFound(request: AssetRequest, path: string, site: Site): AssetAnswer | null {
  switch (site.config.notFoundHandling) {
    case "none":
      return null;
    case "single-page-application": {
      const index = servable("/index.html", site);
      return index === undefined ? null : serve(request, index, 200, path, site);
    }
    case "404-page": {
      const page = nearestNotFoundPage(path, site);
      return page === undefined ? null : serve(request, page, 404, path, site);
    }
  }
}

/** `404.html` of the path's own folder, or of the nearest one above. */
function nearestNotFoundPage(path: string, site: Site): AssetFile | undefined {
  let folder = path.slice(0, path.lastIndexOf("/"));
  for (;;) {
    const page = servable(`${folder}/404.html`, site);
    if (page !== undefined || folder === "") return page;
    folder = folder.slice(0, folder.lastIndexOf("/"));
  }
}

function redirectTo(location: string, status: number): AssetAnswer {
  return { status, headers: { location: encodeLocation(location), "content-length": "0" }, body: null };
}

/** A header takes no raw non-ASCII or control characters. */
function encodeLocation(location: string): string {
  return location.replace(/[^\x21-\x7e]/gu, (character) => encodeURIComponent(character.toWellFormed()));
}

function serve(request: AssetRequest, file: AssetFile, status: number, path: string, site: Site): AssetAnswer {
  const etag = `"${file.sha256}"`;
  const headers: Record<string, string> = {
    "content-type": contentTypeOf(file.path),
    "cache-control": CACHE_CONTROL,
    etag,
    "accept-ranges": "bytes",
    "x-content-type-options": "nosniff",
  };
  applyHeaderRules(site.headers, path, request.host, headers);
  if (status === 200 && matchesEtag(headerOf(request, "if-none-match"), etag)) {
    delete headers["content-type"];
    return { status: 304, headers, body: null };
  }
  const ifRange = headerOf(request, "if-range");
  const mayRange = status === 200 && request.method === "GET" && (ifRange === undefined || ifRange === etag);
  const range = mayRange ? parseByteRange(headerOf(request, "range"), file.sizeBytes) : null;
  if (range === "unsatisfiable") {
    headers["content-range"] = `bytes */${file.sizeBytes}`;
    headers["content-length"] = "0";
    return { status: 416, headers, body: null };
  }
  const whole = { start: 0, end: file.sizeBytes - 1 };
  const sent = range ?? whole;
  if (range !== null) headers["content-range"] = `bytes ${range.start}-${range.end}/${file.sizeBytes}`;
  headers["content-length"] = String(sent.end - sent.start + 1);
  const hasBody = request.method === "GET" && file.sizeBytes > 0;
  return { status: range === null ? status : 206, headers, body: hasBody ? { open: file.open, range: sent } : null };
}

function headerOf(request: AssetRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}

/** Weak comparison of a list of etags (RFC 9110, section 13.1.2). */
function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(",").some((one) => {
    const value = one.trim();
    return value === "*" || value.replace(/^W\//, "") === etag;
  });
}
