import type { IncomingHttpHeaders } from "node:http";
import { SIGV4_ALGORITHM } from "@aerostack/kernel";
import { S3Error } from "./s3-error.ts";

export const S3_PREFIX = "/s3";
/** The label under which buckets are hosts: `<bucket>.s3.<domain>`. */
const S3_HOST = "s3";

/** What a request to the S3 endpoint is about. */
export interface S3Address {
  /** The path as it was sent, decoded: what is signed. */
  readonly path: string;
  /** Undefined for the list of buckets. */
  readonly bucket: string | undefined;
  /** Undefined for the bucket itself. */
  readonly key: string | undefined;
  readonly query: S3Query;
}

/** Parameters as they were sent, decoded. */
export interface S3Query {
  readonly pairs: readonly (readonly [name: string, value: string])[];
  has(name: string): boolean;
  get(name: string): string | undefined;
}

/** Where a request's bucket stands: in the path below `/s3`, in the path of a host of S3's own, or in the host's name. */
export type S3Style =
  | { readonly kind: "prefixed" }
  | { readonly kind: "path" }
  | { readonly kind: "host"; readonly bucket: string };

/** Addresses of the platform's own, which no bucket's name takes the place of. */
const OWN_PREFIXES = ["/f/", "/v1/", "/api/", "/storage/"] as const;

/**
 * Tells whether a request is for S3; null for others. Clients that know no path in an endpoint's address are pointed at
 * the server itself: what is signed as S3 wants it is for S3.
 *
 * @param domain of the platform's hosts, such as `example.com`
 */
export function s3StyleOf(headers: IncomingHttpHeaders, url: string, domain: string): S3Style | null {
  if (url === S3_PREFIX || url.startsWith(`${S3_PREFIX}/`) || url.startsWith(`${S3_PREFIX}?`)) {
    return { kind: "prefixed" };
  }
  const { host = "", authorization } = headers;
  const name = host.replace(/:\d+$/, "").toLowerCase();
  if (name.endsWith(`.${domain}`)) {
    const below = name.slice(0, -domain.length - 1);
    if (below === S3_HOST) return { kind: "path" };
    return below.endsWith(`.${S3_HOST}`) ? { kind: "host", bucket: below.slice(0, -S3_HOST.length - 1) } : null;
  }
  const isSigned = authorization?.startsWith(SIGV4_ALGORITHM) === true || url.includes("X-Amz-Signature=");
  return isSigned && !OWN_PREFIXES.some((prefix) => url.startsWith(prefix)) ? { kind: "path" } : null;
}

/** @throws S3Error InvalidURI */
export function parseS3Address(url: string, style: S3Style): S3Address {
  const mark = url.indexOf("?");
  const path = decode(mark === -1 ? url : url.slice(0, mark)) || "/";
  const query = parseQuery(mark === -1 ? "" : url.slice(mark + 1));
  const below = style.kind === "prefixed" ? path.slice(S3_PREFIX.length) : path;
  const rest = below.startsWith("/") ? below.slice(1) : below;
  if (style.kind === "host") return { path, bucket: style.bucket, key: rest === "" ? undefined : rest, query };
  const slash = rest.indexOf("/");
  const bucket = slash === -1 ? rest : rest.slice(0, slash);
  const key = slash === -1 ? "" : rest.slice(slash + 1);
  return { path, bucket: bucket === "" ? undefined : bucket, key: key === "" ? undefined : key, query };
}

function parseQuery(text: string): S3Query {
  const pairs = text
    .split("&")
    .filter((part) => part !== "")
    .map((part) => {
      const equals = part.indexOf("=");
      const name = equals === -1 ? part : part.slice(0, equals);
      return [decode(name), equals === -1 ? "" : decode(part.slice(equals + 1))] as const;
    });
  return {
    pairs,
    has: (name) => pairs.some(([one]) => one === name),
    get: (name) => pairs.find(([one]) => one === name)?.[1],
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new S3Error("InvalidURI", { cause });
  }
}
