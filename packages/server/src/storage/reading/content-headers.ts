import type { ObjectInfo } from "@aerostack/datahost";
import { DEFAULT_CONTENT_TYPE } from "../service.ts";

/**
 * What a browser shows in place. Everything else is downloaded: what people upload is served from the origin of the
 * platform's own pages and must never become one of them.
 */
const SHOWN =
  /^(?:image\/(?!svg)[\w.+-]+|audio\/[\w.+-]+|video\/[\w.+-]+|font\/[\w.+-]+|text\/(?:plain|csv|css|markdown)|application\/(?:json|pdf|vnd\.ms-fontobject))$/;
/** A picture in a page, a document with scripts when opened: it is shown, and its scripts are not run. */
const SVG = "image/svg+xml";
/** Taken for programs by whoever loads them from a page. */
const SCRIPT = /^(?:text|application)\/(?:(?:x-)?(?:java|ecma|live|j)script|x-?module)|\/wasm$/;
/** Not parts of a header's value: it is left out where it has them. */
const NOT_IN_HEADERS = /[^\t\x20-\x7e\x80-\xff]/;

const SANDBOX = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox";
/** What keeps a document of somebody else's from acting as a page of this origin, whatever its type. */
export const BROWSER_SAFETY: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "content-security-policy": SANDBOX,
  "cross-origin-resource-policy": "cross-origin",
  "referrer-policy": "no-referrer",
};
/** Browsers show no PDF in a sandbox; what it holds never runs as a page of this origin. */
const NO_SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'";

/** The object's content type, without what could make it another header. */
export function contentTypeOf({ httpMetadata: { contentType } }: Pick<ObjectInfo, "httpMetadata">): string {
  return contentType === undefined || contentType === "" || NOT_IN_HEADERS.test(contentType)
    ? DEFAULT_CONTENT_TYPE
    : contentType;
}

/** The headers that come from the object itself, as stored. */
export function storedHeaders(object: ObjectInfo): Record<string, string> {
  const { contentDisposition, contentEncoding, contentLanguage, cacheControl } = object.httpMetadata;
  const named = {
    "content-disposition": contentDisposition,
    "content-encoding": contentEncoding,
    "content-language": contentLanguage,
    "cache-control": cacheControl,
  };
  const headers: Record<string, string> = {
    "content-type": contentTypeOf(object),
    etag: `"${object.etag}"`,
    "last-modified": new Date(object.uploadedAt).toUTCString(),
    "accept-ranges": "bytes",
  };
  for (const [name, value] of Object.entries(named)) {
    if (value !== undefined && value !== "" && !NOT_IN_HEADERS.test(value)) headers[name] = value;
  }
  return headers;
}

/** Headers under which an object of somebody else's is harmless in a browser. */
export function safeHeaders(object: ObjectInfo): Record<string, string> {
  const headers = storedHeaders(object);
  const type = (headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (SCRIPT.test(type)) headers["content-type"] = "text/plain; charset=utf-8";
  else if (!SHOWN.test(type) && type !== SVG) headers["content-disposition"] = asAttachment(headers);
  Object.assign(headers, BROWSER_SAFETY);
  if (type === "application/pdf") headers["content-security-policy"] = NO_SANDBOX;
  return headers;
}

/** Keeps the name that was given to the file. */
function asAttachment(headers: Record<string, string>): string {
  const given = headers["content-disposition"] ?? "";
  const parameters = given.includes(";") ? given.slice(given.indexOf(";")) : "";
  return `attachment${parameters}`;
}
