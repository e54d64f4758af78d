import { createHash, createHmac } from "node:crypto";

/**
 * AWS Signature Version 4 for S3, the parts that whoever signs and whoever checks must agree on.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
 */
export const SIGV4_ALGORITHM = "AWS4-HMAC-SHA256";
export const SIGV4_TERMINATOR = "aws4_request";
export const EMPTY_SHA256 = createHash("sha256").digest("hex");

/** Where and when a signature holds. */
export interface SigningScope {
  /** YYYYMMDD */
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

export interface CanonicalRequest {
  readonly method: string;
  /** Decoded; each of its bytes is encoded once. */
  readonly path: string;
  /** Decoded. */
  readonly query: readonly (readonly [name: string, value: string])[];
  /** Lower-case names, in order. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** SHA-256 of the body in hex, or what stands for it. */
  readonly payloadHash: string;
}

/** Percent-encodes all but A-Z a-z 0-9 - . _ ~ */
export function uriEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}

export function uriEncodePath(path: string): string {
  return path.split("/").map(uriEncode).join("/");
}

export function scopeText({ date, region, service }: SigningScope): string {
  return `${date}/${region}/${service}/${SIGV4_TERMINATOR}`;
}

export function canonicalRequest({ method, path, query, headers, payloadHash }: CanonicalRequest): string {
  const pairs = query.map(([name, value]) => `${uriEncode(name)}=${uriEncode(value)}`).sort();
  const lines = headers.map(([name, value]) => `${name}:${value.trim().replace(/ +/g, " ")}\n`);
  const names = headers.map(([name]) => name).join(";");
  return [method, uriEncodePath(path), pairs.join("&"), lines.join(""), names, payloadHash].join("\n");
}

export function stringToSign(timestamp: string, scope: SigningScope, canonical: string): string {
  return [SIGV4_ALGORITHM, timestamp, scopeText(scope), sha256Hex(canonical)].join("\n");
}

export function deriveSigningKey(secret: string, { date, region, service }: SigningScope): Buffer {
  return [date, region, service, SIGV4_TERMINATOR].reduce<Buffer>(
    (key, part) => createHmac("sha256", key).update(part).digest(),
    Buffer.from(`AWS4${secret}`),
  );
}

export function sign(signingKey: Uint8Array, text: string): string {
  return createHmac("sha256", signingKey).update(text).digest("hex");
}

export function sha256Hex(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
