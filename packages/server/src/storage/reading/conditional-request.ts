import type { IncomingHttpHeaders } from "node:http";
import type { EtagMatch } from "@aerostack/datahost";

/** What conditional headers say of an object: go on, 304, or 412. */
export type ConditionOutcome = "go-on" | "not-modified" | "failed";

interface Validators {
  /** Hex, without quotes. */
  readonly etag: string;
  /** Milliseconds since the epoch. */
  readonly uploadedAt: number;
}

const MS_PER_SECOND = 1000;
const ETAG_ITEM = /\s*(?:(\*)|(W\/)?"([^"]*)"|([^\s,"]+))\s*(?:,|$)/gy;

/** The tags of an If-Match or If-None-Match header; tags without quotes are taken too, as clients of S3 send them. */
export function parseEtags(header: string): EtagMatch[] {
  const tags: EtagMatch[] = [];
  for (const [, any, weak, quoted, bare] of header.matchAll(ETAG_ITEM)) {
    if (any !== undefined) tags.push({ type: "wildcard" });
    else tags.push({ type: weak === undefined ? "strong" : "weak", value: quoted ?? bare ?? "" });
  }
  return tags;
}

function matches(header: string, etag: string, comparison: "strong" | "weak"): boolean {
  return parseEtags(header).some(
    (tag) => tag.type === "wildcard" || (tag.value === etag && (tag.type === "strong" || comparison === "weak")),
  );
}

function secondsOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const ms = Date.parse(header);
  return Number.isNaN(ms) ? undefined : Math.floor(ms / MS_PER_SECOND);
}

/** Conditions of a read, in the order of RFC 9110, section 13.2.2. */
export function evaluateConditions(headers: IncomingHttpHeaders, object: Validators): ConditionOutcome {
  const modified = Math.floor(object.uploadedAt / MS_PER_SECOND);
  const ifMatch = headers["if-match"];
  const unmodifiedSince = secondsOf(headers["if-unmodified-since"]);
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, object.etag, "strong")) return "failed";
  } else if (unmodifiedSince !== undefined && modified > unmodifiedSince) return "failed";

  const ifNoneMatch = headers["if-none-match"];
  const modifiedSince = secondsOf(headers["if-modified-since"]);
  if (ifNoneMatch !== undefined) return matches(ifNoneMatch, object.etag, "weak") ? "not-modified" : "go-on";
  return modifiedSince !== undefined && modified <= modifiedSince ? "not-modified" : "go-on";
}

/** True when a Range header is to be heeded: there is no If-Range, or it names this very content. */
export function rangeApplies(headers: IncomingHttpHeaders, object: Validators): boolean {
  const ifRange = headers["if-range"];
  if (ifRange === undefined) return true;
  const text = String(ifRange);
  if (text.startsWith('"') || text.startsWith("W/")) return matches(text, object.etag, "strong");
  return secondsOf(text) === Math.floor(object.uploadedAt / MS_PER_SECOND);
}
