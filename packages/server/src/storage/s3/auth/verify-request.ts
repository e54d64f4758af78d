import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { canonicalRequest, deriveSigningKey, scopeText, sign, stringToSign } from "@aerostack/kernel";
import type { S3Caller, S3Keys } from "../../access-keys/service.ts";
import type { S3Address } from "../s3-address.ts";
import { S3Error } from "../s3-error.ts";
import { readSignature, type SentSignature } from "./read-signature.ts";

/** A request whose signature is right, and what is needed to check that of its body. */
export interface VerifiedRequest {
  readonly caller: S3Caller;
  /** The hash of the body in hex, or the name of how it is signed. */
  readonly payloadHash: string;
  readonly signing: {
    readonly key: Buffer;
    readonly timestamp: string;
    readonly scope: string;
    readonly signature: string;
  };
}

export interface VerifyOptions {
  readonly keys: Pick<S3Keys, "find">;
  readonly now: () => number;
}

export const MAX_SKEW_MS = 15 * 60_000;
const MS_PER_SECOND = 1000;
export const UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD";

/** Checks who sent a request and that it is as it was signed. The body comes later. @throws S3Error */
export function createRequestVerifier({ keys, now }: VerifyOptions) {
  return async function verify(req: IncomingMessage, address: S3Address): Promise<VerifiedRequest> {
    const sent = readSignature(req.headers, address.query);
    if (sent === undefined) throw new S3Error("AccessDenied");
    checkTime(sent, now());
    const found = keys.find(sent.accessKeyId);
    const caller = found instanceof Promise ? await found : found;
    if (caller === null) {
      throw new S3Error("InvalidAccessKeyId", { fields: { AWSAccessKeyId: sent.accessKeyId } });
    }
    const payloadHash = payloadHashOf(req, address, sent);
    const canonical = canonicalRequest({
      method: req.method ?? "GET",
      path: address.path,
      query: address.query.pairs.filter(([name]) => name !== "X-Amz-Signature"),
      headers: signedHeadersOf(req, sent),
      payloadHash,
    });
    const key = deriveSigningKey(caller.secret, sent.scope);
    const expected = Buffer.from(sign(key, stringToSign(sent.timestamp, sent.scope, canonical)));
    if (!timingSafeEqual(expected, Buffer.from(sent.signature))) throw new S3Error("SignatureDoesNotMatch");
    const { timestamp, signature } = sent;
    return { caller, payloadHash, signing: { key, timestamp, scope: scopeText(sent.scope), signature } };
  };
}

function checkTime({ timestamp, expiresSeconds }: SentSignature, now: number): void {
  const sentAt = timeOf(timestamp);
  if (expiresSeconds === undefined ? Math.abs(now - sentAt) > MAX_SKEW_MS : sentAt - now > MAX_SKEW_MS) {
    throw new S3Error("RequestTimeTooSkewed", {
      fields: { RequestTime: timestamp, ServerTime: new Date(now).toISOString() },
    });
  }
  if (expiresSeconds !== undefined && now > sentAt + expiresSeconds * MS_PER_SECOND) {
    throw new S3Error("AccessDenied", { message: "Request has expired" });
  }
}

/** Milliseconds since the epoch. @param timestamp YYYYMMDDTHHMMSSZ */
export function timeOf(timestamp: string): number {
  const [year, month, day, hour, minute, second] = [0, 4, 6, 9, 11, 13].map((at, index) =>
    Number(timestamp.slice(at, at + (index === 0 ? 4 : 2))),
  ) as [number, number, number, number, number, number];
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** The headers that were signed, which must be all that could change what the request does. */
function signedHeadersOf(req: IncomingMessage, { signedHeaders }: SentSignature): (readonly [string, string])[] {
  const values = new Map<string, string[]>();
  for (let at = 0; at < req.rawHeaders.length; at += 2) {
    const name = (req.rawHeaders[at] ?? "").toLowerCase();
    // Node reads headers as Latin-1; what was signed is their bytes.
    const value = Buffer.from(req.rawHeaders[at + 1] ?? "", "latin1").toString("utf8");
    values.set(name, [...(values.get(name) ?? []), value.trim()]);
  }
  const signed = new Set(signedHeaders);
  const unsigned = [...values.keys()].filter((name) => name.startsWith("x-amz-") && !signed.has(name));
  if (!signed.has("host") || unsigned.length > 0) {
    throw new S3Error("AccessDenied", {
      message: "There were headers present in the request which were not signed",
      fields: { HeadersNotSigned: (signed.has("host") ? unsigned : ["host", ...unsigned]).join(", ") },
    });
  }
  return [...signed].sort().map((name) => {
    const found = values.get(name);
    if (found === undefined) throw new S3Error("SignatureDoesNotMatch");
    return [name, found.join(",")] as const;
  });
}

function payloadHashOf(req: IncomingMessage, { query }: S3Address, { expiresSeconds }: SentSignature): string {
  const header = req.headers["x-amz-content-sha256"] ?? query.get("X-Amz-Content-Sha256");
  if (typeof header === "string" && header !== "") return header;
  if (expiresSeconds !== undefined) return UNSIGNED_PAYLOAD;
  throw new S3Error("InvalidRequest", { message: "Missing required header for this request: x-amz-content-sha256" });
}
