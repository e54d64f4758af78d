import { AerostackError } from "@aerostack/contracts";

/** S3's errors with its words: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const ERRORS = {
  AccessControlListNotSupported: [400, "The bucket does not allow ACLs"],
  AccessDenied: [403, "Access Denied"],
  AuthorizationHeaderMalformed: [400, "The authorization header is malformed."],
  AuthorizationQueryParametersError: [400, "Query-string authentication parameters are not valid."],
  BadDigest: [400, "The Content-MD5 or checksum value that you specified did not match what the server received."],
  BadRequest: [400, "Bad Request"],
  BucketAlreadyOwnedByYou: [409, "Your previous request to create the named bucket succeeded and you already own it."],
  BucketNotEmpty: [409, "The bucket you tried to delete is not empty"],
  EntityTooLarge: [400, "Your proposed upload exceeds the maximum allowed object size."],
  EntityTooSmall: [400, "Your proposed upload is smaller than the minimum allowed size"],
  IncompleteBody: [400, "You did not provide the number of bytes specified by the Content-Length HTTP header."],
  InternalError: [500, "We encountered an internal error. Please try again."],
  InvalidAccessKeyId: [403, "The AWS Access Key Id you provided does not exist in our records."],
  InvalidArgument: [400, "Invalid Argument"],
  InvalidBucketName: [400, "The specified bucket is not valid."],
  InvalidDigest: [400, "The Content-MD5 or checksum value that you specified is not valid."],
  InvalidPart: [
    400,
    "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
  ],
  InvalidPartOrder: [400, "The list of parts was not in ascending order. Parts must be ordered by part number."],
  InvalidPolicyDocument: [400, "The content of the form does not meet the conditions of a policy document."],
  InvalidRange: [416, "The requested range is not satisfiable"],
  InvalidRequest: [400, "Invalid Request"],
  InvalidStorageClass: [400, "The storage class you specified is not valid"],
  InvalidTag: [400, "The tag provided was not a valid tag."],
  InvalidURI: [400, "Couldn't parse the specified URI."],
  KeyTooLongError: [400, "Your key is too long"],
  MalformedPOSTRequest: [400, "The body of your POST request is not well-formed multipart/form-data."],
  MalformedXML: [400, "The XML you provided was not well-formed or did not validate against our published schema"],
  MaxPostPreDataLengthExceeded: [400, "Your POST request fields preceding the upload file were too large."],
  MetadataTooLarge: [400, "Your metadata headers exceed the maximum allowed metadata size"],
  MethodNotAllowed: [405, "The specified method is not allowed against this resource."],
  MissingContentLength: [411, "You must provide the Content-Length HTTP header."],
  NoSuchBucket: [404, "The specified bucket does not exist"],
  NoSuchBucketPolicy: [404, "The bucket policy does not exist"],
  NoSuchCORSConfiguration: [404, "The CORS configuration does not exist"],
  NoSuchKey: [404, "The specified key does not exist."],
  NoSuchLifecycleConfiguration: [404, "The lifecycle configuration does not exist"],
  NoSuchPublicAccessBlockConfiguration: [404, "The public access block configuration was not found"],
  NoSuchTagSet: [404, "The TagSet does not exist"],
  NoSuchUpload: [
    404,
    "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
  ],
  NoSuchVersion: [404, "The specified version does not exist."],
  NoSuchWebsiteConfiguration: [404, "The specified bucket does not have a website configuration"],
  NotImplemented: [501, "A header or query you provided implies functionality that is not implemented"],
  ObjectLockConfigurationNotFoundError: [404, "Object Lock configuration does not exist for this bucket"],
  OwnershipControlsNotFoundError: [404, "The bucket ownership controls were not found"],
  PreconditionFailed: [412, "At least one of the pre-conditions you specified did not hold"],
  ReplicationConfigurationNotFoundError: [404, "The replication configuration was not found"],
  RequestTimeTooSkewed: [403, "The difference between the request time and the current time is too large."],
  SignatureDoesNotMatch: [
    403,
    "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
  ],
  SlowDown: [503, "Please reduce your request rate."],
  ServiceUnavailable: [503, "Service is unable to handle request."],
  XAmzContentSHA256Mismatch: [400, "The provided 'x-amz-content-sha256' header does not match what was computed."],
} as const satisfies Record<string, readonly [status: number, message: string]>;

export type S3ErrorCode = keyof typeof ERRORS;

/** A refused request, as S3's clients know it. */
export class S3Error extends Error {
  readonly code: S3ErrorCode;
  readonly status: number;
  /** Elements of the answer besides code and message, such as `Key`. */
  readonly fields: Readonly<Record<string, string>>;

  constructor(
    code: S3ErrorCode,
    options: { readonly message?: string; readonly fields?: Readonly<Record<string, string>>; cause?: unknown } = {},
  ) {
    const [status, message] = ERRORS[code];
    super(options.message ?? message, { cause: options.cause });
    this.name = "S3Error";
    this.code = code;
    this.status = status;
    this.fields = options.fields ?? {};
  }
}

/** What the data host refused, in S3's words. */
const OF_REASON: Readonly<Record<string, S3ErrorCode>> = {
  noSuchKey: "NoSuchKey",
  noSuchUpload: "NoSuchUpload",
  noSuchBucket: "NoSuchBucket",
  bucketNotEmpty: "BucketNotEmpty",
  bucketExists: "BucketAlreadyOwnedByYou",
  invalidPart: "InvalidPart",
  invalidPartOrder: "InvalidPartOrder",
  badUpload: "MalformedXML",
  entityTooSmall: "EntityTooSmall",
  entityTooLarge: "EntityTooLarge",
  metadataTooLarge: "MetadataTooLarge",
  preconditionFailed: "PreconditionFailed",
  badDigest: "BadDigest",
};

/** Anything thrown, as S3's error. @param whole the number of bytes was announced, and others came. */
export function toS3Error(thrown: unknown): S3Error {
  if (thrown instanceof S3Error) return thrown;
  if (!(thrown instanceof AerostackError)) return new S3Error("InternalError", { cause: thrown });
  const reason = thrown.details?.reason;
  const known = typeof reason === "string" ? OF_REASON[reason] : undefined;
  if (known !== undefined) return new S3Error(known);
  switch (thrown.code) {
    case "REQUEST_MALFORMED":
      return new S3Error("IncompleteBody");
    case "STORAGE_KEY_INVALID":
    case "VALIDATION_ERROR":
      return new S3Error(reason === "invalidArgument" ? "IncompleteBody" : "InvalidArgument", {
        message: thrown.message,
      });
    case "STORAGE_FILE_TOO_LARGE":
      return new S3Error("EntityTooLarge");
    case "RATE_LIMIT_EXCEEDED":
      return new S3Error("SlowDown");
    case "BLOCKED":
      return new S3Error("AccessDenied", { message: thrown.message });
    case "SERVICE_UNAVAILABLE":
      return new S3Error("ServiceUnavailable", { cause: thrown });
    default:
      return new S3Error("InternalError", { cause: thrown });
  }
}
