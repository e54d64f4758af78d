import { ERRORS, type ErrorCode } from "./error-codes.ts";

export type { ErrorCode };

export interface AerostackErrorOptions {
  /** Public sentence in place of the code's own. */
  readonly message?: string;
  /** Public advice in place of the code's own. */
  readonly fix?: string;
  /** Public, machine-readable details, such as `{ fieldErrors: { name: ["…"] } }`. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** What really happened. Logged with the request id, never serialised. */
  readonly cause?: unknown;
  /** Seconds after which a repeat may succeed (Retry-After). */
  readonly retryAfterSeconds?: number;
}

/** The plain form of an error: what crosses a process boundary. */
export interface SerialisedError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly fix: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly retryAfterSeconds?: number;
}

/**
 * The one error class of the platform: a code of `ERRORS`, a public message and a public fix. Each edge prefix renders it
 * in the shape that its clients parse.
 *
 * @example throw new AerostackError("NOT_FOUND", { message: "There is no project 'x'." });
 */
export class AerostackError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly fix: string;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, options: AerostackErrorOptions = {}) {
    const definition = ERRORS[code];
    super(options.message ?? definition.message, { cause: options.cause });
    this.name = "AerostackError";
    this.code = code;
    this.status = definition.status;
    this.fix = options.fix ?? definition.fix;
    this.details = options.details;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  toSerialised(): SerialisedError {
    return {
      code: this.code,
      message: this.message,
      fix: this.fix,
      ...(this.details === undefined ? {} : { details: this.details }),
      ...(this.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: this.retryAfterSeconds }),
    };
  }

  static fromSerialised(error: SerialisedError): AerostackError {
    return new AerostackError(error.code, error);
  }
}
