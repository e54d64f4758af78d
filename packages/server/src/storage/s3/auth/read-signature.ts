import type { IncomingHttpHeaders } from "node:http";
import { SIGV4_ALGORITHM, SIGV4_TERMINATOR, type SigningScope } from "@aerostack/kernel";
import type { S3Query } from "../s3-address.ts";
import { S3Error } from "../s3-error.ts";

/** What a request says of its own signature. */
export interface SentSignature {
  readonly accessKeyId: string;
  readonly scope: SigningScope;
  /** YYYYMMDDTHHMMSSZ */
  readonly timestamp: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** Seconds from the timestamp on; undefined for a signature in a header. */
  readonly expiresSeconds: number | undefined;
}

const HEADER = /^AWS4-HMAC-SHA256\s+(.+)$/;
export const TIMESTAMP = /^\d{8}T\d{6}Z$/;
const SIGNATURE = /^[0-9a-f]{64}$/;
export const MAX_EXPIRES_SECONDS = 7 * 24 * 60 * 60;
const MAX_HEADERS = 100;

/**
 * The signature of a request, from its header or its query; undefined where it has none.
 *
 * @throws S3Error where it is malformed, or there are two
 */
export function readSignature(headers: IncomingHttpHeaders, query: S3Query): SentSignature | undefined {
  const inQuery = query.has("X-Amz-Signature") || query.has("X-Amz-Algorithm") || query.has("X-Amz-Credential");
  const { authorization } = headers;
  if (authorization !== undefined && inQuery) {
    throw new S3Error("InvalidArgument", {
      message: "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter or the Authorization header.",
    });
  }
  if (inQuery) return fromQuery(query);
  if (query.has("AWSAccessKeyId")) {
    throw new S3Error("InvalidRequest", {
      message: `The authorization mechanism you have provided is not supported. Please use ${SIGV4_ALGORITHM}; the AWS CLI does with 'aws configure set default.s3.signature_version s3v4'.`,
    });
  }
  return authorization === undefined ? undefined : fromHeader(authorization, headers);
}

function fromHeader(authorization: string, headers: IncomingHttpHeaders): SentSignature {
  const [, parameters] = HEADER.exec(authorization.trim()) ?? [];
  if (parameters === undefined) {
    throw new S3Error("InvalidRequest", {
      message: `The authorization mechanism you have provided is not supported. Please use ${SIGV4_ALGORITHM}.`,
    });
  }
  const parts = new Map(
    parameters.split(",").map((part) => {
      const [name = "", value = ""] = part.trim().split("=", 2);
      return [name, value];
    }),
  );
  const signature = parts.get("Signature") ?? "";
  const signedHeaders = (parts.get("SignedHeaders") ?? "").split(";");
  const dateHeader = headers["x-amz-date"];
  const timestamp = typeof dateHeader === "string" ? dateHeader : timestampOf(headers.date);
  const credential = parseCredential(parts.get("Credential") ?? "");
  if (credential === undefined || !SIGNATURE.test(signature) || signedHeaders.length > MAX_HEADERS) {
    throw new S3Error("AuthorizationHeaderMalformed");
  }
  if (timestamp === undefined || !TIMESTAMP.test(timestamp)) {
    throw new S3Error("AccessDenied", { message: "AWS authentication requires a valid Date or x-amz-date header" });
  }
  if (!timestamp.startsWith(credential.scope.date)) {
    throw new S3Error("AuthorizationHeaderMalformed", {
      message: "The authorization header is malformed; the date of the credential is not that of the request.",
    });
  }
  return { ...credential, timestamp, signedHeaders, signature, expiresSeconds: undefined };
}

function fromQuery(query: S3Query): SentSignature {
  const signature = query.get("X-Amz-Signature") ?? "";
  const timestamp = query.get("X-Amz-Date") ?? "";
  const expires = query.get("X-Amz-Expires") ?? "";
  const signedHeaders = (query.get("X-Amz-SignedHeaders") ?? "").split(";");
  const credential = parseCredential(query.get("X-Amz-Credential") ?? "");
  const names = query.pairs.map(([name]) => name);
  const isDoubled = names.some((name, index) => name.startsWith("X-Amz-") && names.indexOf(name) !== index);
  const isValid =
    query.get("X-Amz-Algorithm") === SIGV4_ALGORITHM &&
    SIGNATURE.test(signature) &&
    TIMESTAMP.test(timestamp) &&
    /^\d{1,6}$/.test(expires) &&
    signedHeaders.length <= MAX_HEADERS &&
    !isDoubled;
  if (!isValid || credential === undefined || !timestamp.startsWith(credential.scope.date)) {
    throw new S3Error("AuthorizationQueryParametersError");
  }
  const expiresSeconds = Number(expires);
  if (expiresSeconds < 1 || expiresSeconds > MAX_EXPIRES_SECONDS) {
    throw new S3Error("AuthorizationQueryParametersError", {
      message: "X-Amz-Expires must be greater than zero and at most a week (604800).",
    });
  }
  return { ...credential, timestamp, signedHeaders, signature, expiresSeconds };
}

export function parseCredential(text: string): Pick<SentSignature, "accessKeyId" | "scope"> | undefined {
  const [accessKeyId = "", date = "", region = "", service, terminator, ...rest] = text.split("/");
  const isValid =
    accessKeyId !== "" &&
    /^\d{8}$/.test(date) &&
    /^[\w-]{1,64}$/.test(region) &&
    service === "s3" &&
    terminator === SIGV4_TERMINATOR &&
    rest.length === 0;
  return isValid ? { accessKeyId, scope: { date, region, service } } : undefined;
}

function timestampOf(date: string | undefined): string | undefined {
  if (date === undefined || Number.isNaN(Date.parse(date))) return date;
  return new Date(date).toISOString().replace(/[-:]|\.\d{3}/g, "");
}
