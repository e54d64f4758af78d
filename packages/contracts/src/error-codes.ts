/**
 * Every error code that an interface of the platform can answer with: its HTTP status, a public sentence used when the
 * thrower gives none, and what the caller can do about it. Codes are stable; a code is never reused for another meaning.
 */
export interface ErrorDefinition {
  /** HTTP status that carries the code. */
  readonly status: number;
  /** Public sentence, used when the place that throws has nothing more precise to say. */
  readonly message: string;
  /** What the caller can do. */
  readonly fix: string;
}

function defineErrors<Code extends string>(
  table: Record<Code, ErrorDefinition>,
): Readonly<Record<Code, ErrorDefinition>> {
  return table;
}

export const ERRORS = defineErrors({
  // Requests
  VALIDATION_ERROR: {
    status: 400,
    message: "The request is not valid.",
    fix: "Correct the fields named in the details and send the request again.",
  },
  REQUEST_MALFORMED: {
    status: 400,
    message: "The request body could not be read.",
    fix: "Send a body of the documented content type.",
  },
  REQUEST_TOO_LARGE: {
    status: 413,
    message: "The request body is larger than allowed.",
    fix: "Send a smaller body, or use a resumable or multipart upload.",
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    message: "The content type is not supported here.",
    fix: "Send the content type that the reference names for this endpoint.",
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    message: "This address does not answer that method.",
    fix: "Use one of the methods in the Allow header.",
  },
  NOT_FOUND: {
    status: 404,
    message: "There is nothing at this address.",
    fix: "Check the address, and that the credential belongs to the same project.",
  },
  CONFLICT: {
    status: 409,
    message: "The request conflicts with what is stored.",
    fix: "Read the current state and decide again.",
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    message: "This Idempotency-Key was used for another request.",
    fix: "Send a new key for a new request, or the same body for a repeat.",
  },
  IDEMPOTENCY_IN_PROGRESS: {
    status: 409,
    message: "The first request with this Idempotency-Key is still running.",
    fix: "Wait a second and send the request again.",
  },
  RATE_LIMIT_EXCEEDED: {
    status: 429,
    message: "Too many requests.",
    fix: "Wait until the time in the X-RateLimit-Reset header.",
  },
  WAF_BLOCKED: {
    status: 403,
    message: "The request was refused by the firewall.",
    fix: "If it was meant well, give the request id to whoever runs this address.",
  },
  ADDRESS_REFUSED: {
    status: 403,
    message: "This address does not answer where you are calling from.",
    fix: "If you should be let in, tell whoever runs this address your IP address.",
  },
  BLOCKED: {
    status: 403,
    message: "The people who run this installation have blocked this.",
    fix: "If you think that is wrong, write to them; the message says how.",
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    message: "The request has too many headers, or too large ones.",
    fix: "Send fewer headers; cookies are often the cause.",
  },
  ACME_NOT_CONFIGURED: {
    status: 409,
    message: "This installation has no certificate authority.",
    fix: "Ask the operator to set AEROSTACK_ACME_DIRECTORY.",
  },
  INTERNAL_ERROR: {
    status: 500,
    message: "Something went wrong on our side.",
    fix: "Try again; if it stays, report the request id to the operator.",
  },
  SERVICE_UNAVAILABLE: {
    status: 503,
    message: "The service is starting, stopping or overloaded.",
    fix: "Try again in a moment.",
  },

  // Identity
  AUTH_INVALID_KEY: {
    status: 401,
    message: "The API key is missing, unknown, expired or revoked.",
    fix: "Send a valid key in the X-Aerostack-Key or X-API-Key header.",
  },
  AUTH_INVALID_CREDENTIALS: {
    status: 401,
    message: "The e-mail address or password is wrong.",
    fix: "Check both, or reset the password.",
  },
  AUTH_TOKEN_INVALID: {
    status: 401,
    message: "The access token is not valid.",
    fix: "Log in again.",
  },
  AUTH_TOKEN_EXPIRED: {
    status: 401,
    message: "The access token has expired.",
    fix: "Use the refresh token to get a new one.",
  },
  AUTH_USER_EXISTS: {
    status: 409,
    message: "An account with this e-mail address exists.",
    fix: "Log in instead.",
  },
  AUTH_PASSWORD_WEAK: {
    status: 400,
    message: "The password is too weak.",
    fix: "Use at least 8 characters with an upper-case letter, a lower-case letter and a digit.",
  },
  AUTH_EMAIL_NOT_VERIFIED: {
    status: 403,
    message: "The e-mail address has not been confirmed.",
    fix: "Open the link in the message that was sent to it, or ask for a new one.",
  },
  AUTH_USER_BLOCKED: {
    status: 403,
    message: "This user is blocked.",
    fix: "Ask the people behind the application.",
  },
  AUTH_OTP_INVALID: {
    status: 401,
    message: "The code is wrong.",
    fix: "Check the code; after three wrong ones no code is taken for an hour.",
  },
  AUTH_OTP_EXPIRED: {
    status: 401,
    message: "There is no code that could still be used.",
    fix: "Ask for a new code.",
  },
  AUTH_RESET_TOKEN_INVALID: {
    status: 400,
    message: "The link is not valid any more.",
    fix: "Ask for a new one; each works once and for a limited time.",
  },
  AUTH_MFA_REQUIRED: {
    status: 403,
    message: "A second factor is needed to log in.",
    fix: "Log in by the project's auth addresses, which ask for it.",
  },
  AUTH_PROOF_REQUIRED: {
    status: 403,
    message: "This is done only within ten minutes of a log-in or another proof of who is there.",
    fix: "POST /api/auth/proof with the password, a code or a passkey, then send the request again.",
  },
  AUTH_AGE_UNKNOWN: {
    status: 403,
    message: "Nobody has an account for this log-in yet, and accounts are for people of 16 years or older.",
    fix: "Ask the person whether they are, and start again with ageConfirmed=true or false.",
  },
  AUTH_METHOD_DISABLED: {
    status: 403,
    message: "The project does not offer this way to log in.",
    fix: "Use another way, or switch it on in the project's end-user settings.",
  },
  AUTH_CAPTCHA_FAILED: {
    status: 403,
    message: "It was not shown that a person is asking.",
    fix: "Solve the challenge again and send its new token as turnstileToken.",
  },
  AUTH_REFUSED: {
    status: 403,
    message: "The application refused this.",
    fix: "The message is the application's own.",
  },
  AUTH_PROVIDER_FAILED: {
    status: 502,
    message: "The log-in at the other provider did not work.",
    fix: "Start again; if it stays, check the provider's settings of the project.",
  },
  AUTH_SETUP_TOKEN_INVALID: {
    status: 403,
    message: "The set-up link is not valid any more.",
    fix: "Use the link that the server printed at its last start; once an admin exists, log in instead.",
  },
  FORBIDDEN: {
    status: 403,
    message: "The credential does not allow this.",
    fix: "Use a credential with the needed right, such as a secret key.",
  },

  // Custom domains
  DOMAIN_NOT_PROVEN: {
    status: 409,
    message: "The domain's DNS does not show the record that proves it.",
    fix: "Put the TXT record of the domain's proof into the DNS, wait until it is to be seen, and verify again.",
  },
  DOMAIN_TAKEN: {
    status: 409,
    message: "This domain is served for another project.",
    fix: "Remove it there first; it is free as well seven days after the other project's record left the DNS.",
  },

  // Functions
  FUNCTION_NOT_FOUND: {
    status: 404,
    message: "There is no such function.",
    fix: "Check the project and function names, and that a version is deployed to this environment.",
  },
  FUNCTION_START_FAILED: {
    status: 422,
    message: "The bundle does not start.",
    fix: "Mend what the runtime's message names and deploy again; the version before keeps serving.",
  },
  FUNCTION_TIMEOUT: {
    status: 504,
    message: "The function did not answer in time.",
    fix: "Answer sooner, move long work to a queue, or raise the wall time limit.",
  },
  FUNCTION_CPU_LIMIT: {
    status: 503,
    message: "The function was stopped because it used too much CPU without yielding.",
    fix: "Break up long computations or move them out of the request.",
  },
  FUNCTION_MEMORY_LIMIT: {
    status: 503,
    message: "The function was stopped because its project used too much memory.",
    fix: "Stream large bodies instead of holding them, and do not grow global state.",
  },
  SERVICE_FAILED: {
    status: 502,
    message: "The function that was called answered with an error.",
    fix: "Its status and answer are in the details, what it said in its log.",
  },
  METHOD_UNAVAILABLE: {
    status: 501,
    message: "This installation does not offer that method.",
    fix: "The message names it; the reference lists those that there are.",
  },
  FUNCTION_DISCONNECTED: {
    status: 503,
    message: "The function lost a connection that its answer depended on: a binding's, or that of a server it called.",
    fix: "Try again; after a write, look first whether it was done.",
  },
  FUNCTION_CRASHED: {
    status: 502,
    message: "The function's process ended while it served this request.",
    fix: "Look at the function's logs; the next call starts a fresh process.",
  },
  FUNCTION_BACKOFF: {
    status: 503,
    message: "The project's functions keep crashing and are paused for a moment.",
    fix: "Look at the function's logs and deploy a version that starts; the Retry-After header says when it is tried again.",
  },
  FUNCTION_BODY_TOO_LARGE: {
    status: 413,
    message: "The request body is larger than a function may receive.",
    fix: "Send a smaller body, or upload to storage and pass the key.",
  },
  EGRESS_BLOCKED: {
    status: 403,
    message: "Functions may not reach private, loopback, link-local or metadata addresses.",
    fix: "Call a public address.",
  },
  EGRESS_FAILED: {
    status: 502,
    message: "The outgoing request failed.",
    fix: "Check that the host exists and answers.",
  },
  EGRESS_LIMIT_EXCEEDED: {
    status: 429,
    message: "The project has too many outgoing requests at once.",
    fix: "Wait for earlier requests to end before starting new ones.",
  },

  // Database
  DB_QUERY_FAILED: {
    status: 400,
    message: "The SQL statement failed.",
    fix: "Correct the statement; the message is SQLite's own.",
  },
  DB_QUERY_TIMEOUT: {
    status: 408,
    message: "The SQL statement ran longer than allowed and was stopped.",
    fix: "Add an index or a LIMIT, or split the work.",
  },
  DB_STATEMENT_REFUSED: {
    status: 403,
    message: "This SQL statement is not allowed here.",
    fix: "Leave out statements that reach files or settings; change the schema through migrations.",
  },
  DB_MIGRATION_DRIFT: {
    status: 409,
    message: "The schema is not as the migrations left it.",
    fix: "Undo the change or write it as a migration, then apply with --accept-drift to take the schema as it is now.",
  },
  DB_RESULT_TOO_LARGE: {
    status: 413,
    message: "The result is larger than allowed.",
    fix: "Select fewer rows or columns, and page with LIMIT.",
  },
  DB_WRITE_UNCERTAIN: {
    status: 503,
    message: "The database process stopped while this write ran; it may have been applied.",
    fix: "Read the row before writing it again, or make the write idempotent.",
  },
  DB_TRANSACTION_EXPIRED: {
    status: 409,
    message: "The transaction's lease ended and it was rolled back.",
    fix: "Keep a transaction under five seconds and do no network calls in it.",
  },
  DB_MEMORY_LIMIT: {
    status: 413,
    message: "The SQL statement needed more memory than allowed and was stopped.",
    fix: "Sort, group or build fewer and smaller values at once.",
  },
  DB_OVERLOADED: {
    status: 503,
    message: "The database has too many statements waiting.",
    fix: "Send fewer at once and try again in a moment.",
  },

  // Key-value, queue, objects
  KEY_INVALID: {
    status: 400,
    message: "The key is not valid.",
    fix: "Use 1 to 512 bytes of UTF-8 that is neither '.' nor '..'.",
  },
  VALUE_TOO_LARGE: {
    status: 413,
    message: "The value is larger than allowed.",
    fix: "Store large values in object storage.",
  },
  QUEUE_MESSAGE_TOO_LARGE: {
    status: 413,
    message: "The message is larger than 128 KB.",
    fix: "Put the payload in object storage and send its key.",
  },
  STORAGE_KEY_INVALID: {
    status: 400,
    message: "The object key is not valid.",
    fix: "Use 1 to 1,024 bytes without '..' segments, NUL or a leading slash.",
  },
  STORAGE_PRECONDITION_FAILED: {
    status: 412,
    message: "The object does not meet the condition of the request.",
    fix: "Read the object's current etag and decide again.",
  },
  MISSING_FILE: {
    status: 400,
    message: "The form has no file.",
    fix: "Send the file as the form's field 'file'.",
  },
  UNAUTHORIZED: {
    status: 401,
    message: "The access token is missing or not valid any more.",
    fix: "Send 'Authorization: Bearer <access token>' of one of the project's users.",
  },
  FILE_TOO_LARGE: {
    status: 413,
    message: "The file is larger than 100 MB.",
    fix: "Upload a smaller file.",
  },
  STORAGE_FILE_TOO_LARGE: {
    status: 413,
    message: "The file is larger than allowed.",
    fix: "Use a multipart upload.",
  },
});

export type ErrorCode = keyof typeof ERRORS;
