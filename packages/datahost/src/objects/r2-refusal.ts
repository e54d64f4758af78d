import type { ErrorCode } from "@aerostack/contracts/errors";
import { Refusal } from "../state/refusal.ts";
import type { ObjectInfo } from "./object-info.ts";

interface R2ErrorKind {
  readonly status: number;
  /** R2's own number, which functions see at the end of the message. */
  readonly v4code: number;
  readonly code: ErrorCode;
  readonly message: string;
}

/** R2's errors with its words: https://developers.cloudflare.com/r2/api/error-codes/ */
const KINDS = {
  internal: {
    status: 500,
    v4code: 10001,
    code: "INTERNAL_ERROR",
    message: "We encountered an internal error. Please try again.",
  },
  noSuchKey: { status: 404, v4code: 10007, code: "NOT_FOUND", message: "The specified key does not exist." },
  entityTooLarge: {
    status: 400,
    v4code: 100100,
    code: "STORAGE_FILE_TOO_LARGE",
    message: "Your proposed upload exceeds the maximum allowed object size.",
  },
  entityTooSmall: {
    status: 400,
    v4code: 10011,
    code: "VALIDATION_ERROR",
    message: "Your proposed upload is smaller than the minimum allowed object size.",
  },
  metadataTooLarge: {
    status: 400,
    v4code: 10012,
    code: "VALIDATION_ERROR",
    message: "Your metadata headers exceed the maximum allowed metadata size.",
  },
  invalidObjectName: {
    status: 400,
    v4code: 10020,
    code: "STORAGE_KEY_INVALID",
    message: "The specified object name is not valid.",
  },
  invalidMaxKeys: {
    status: 400,
    v4code: 10022,
    code: "VALIDATION_ERROR",
    message: "MaxKeys params must be positive integer <= 1000.",
  },
  noSuchUpload: {
    status: 404,
    v4code: 10024,
    code: "NOT_FOUND",
    message: "The specified multipart upload does not exist.",
  },
  invalidPart: {
    status: 400,
    v4code: 10025,
    code: "VALIDATION_ERROR",
    message: "One or more of the specified parts could not be found.",
  },
  invalidPartOrder: {
    status: 400,
    v4code: 10026,
    code: "VALIDATION_ERROR",
    message: "The list of parts was not in ascending order.",
  },
  wrongOffset: {
    status: 409,
    v4code: 10090,
    code: "CONFLICT",
    message: "The upload does not stand at that offset.",
  },
  noSuchBucket: { status: 404, v4code: 10006, code: "NOT_FOUND", message: "The specified bucket does not exist." },
  bucketNotEmpty: { status: 409, v4code: 10008, code: "CONFLICT", message: "The bucket is not empty." },
  bucketExists: { status: 409, v4code: 10073, code: "CONFLICT", message: "The bucket exists already." },
  invalidArgument: {
    status: 400,
    v4code: 10029,
    code: "VALIDATION_ERROR",
    message: "Metadata missing or invalid",
  },
  preconditionFailed: {
    status: 412,
    v4code: 10031,
    code: "STORAGE_PRECONDITION_FAILED",
    message: "At least one of the pre-conditions you specified did not hold.",
  },
  badDigest: {
    status: 400,
    v4code: 10037,
    code: "VALIDATION_ERROR",
    message: "The checksum you specified did not match what we received.",
  },
  invalidRange: {
    status: 416,
    v4code: 10039,
    code: "VALIDATION_ERROR",
    message: "The requested range is not satisfiable",
  },
  badUpload: {
    status: 400,
    v4code: 10048,
    code: "VALIDATION_ERROR",
    message: "There was a problem with the multipart upload.",
  },
} as const satisfies Record<string, R2ErrorKind>;

/** The platform's code for each of R2's numbers. */
export const R2_ERROR_CODES: ReadonlyMap<number, ErrorCode> = new Map(
  Object.values(KINDS).map(({ v4code, code }) => [v4code, code]),
);

export type R2RefusalKind = keyof typeof KINDS;

/** R2's numbers back to the reason. */
export const R2_REASONS: ReadonlyMap<number, R2RefusalKind> = new Map(
  Object.entries(KINDS).map(([kind, { v4code }]) => [v4code, kind as R2RefusalKind]),
);

/** A refused operation on objects. */
export class R2Refusal extends Refusal {
  readonly kind: R2RefusalKind;
  /** The object that did not meet the condition of a read: the binding hands its metadata out. */
  readonly object: ObjectInfo | undefined;

  constructor(kind: R2RefusalKind, options: { readonly message?: string; readonly object?: ObjectInfo } = {}) {
    const { status, v4code, code, message } = KINDS[kind];
    const words = options.message ?? message;
    // "v4code" with a small c is what workerd reads.
    super(status, code, words, { "cf-r2-error": JSON.stringify({ version: 1, v4code, message: words }) }, kind);
    this.name = "R2Refusal";
    this.kind = kind;
    this.object = options.object;
  }
}
