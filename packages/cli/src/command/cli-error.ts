import type { ExitKind } from "./exit-code.ts";

export interface CliErrorOptions {
  readonly kind?: ExitKind;
  /** Stable, machine-readable name, such as `PROJECT_NOT_LINKED`. */
  readonly code: string;
  /** What the reader can do about it. */
  readonly fix?: string;
  readonly requestId?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** A failure that the reader of the terminal is told about: what happened (the message), and what to do (the fix). */
export class CliError extends Error {
  readonly kind: ExitKind;
  readonly code: string;
  readonly fix: string | undefined;
  readonly requestId: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(message: string, options: CliErrorOptions) {
    super(message, { cause: options.cause });
    this.name = "CliError";
    this.kind = options.kind ?? "failed";
    this.code = options.code;
    this.fix = options.fix;
    this.requestId = options.requestId;
    this.details = options.details;
  }
}

/** The command line is wrong: exit code 2. */
export function usageError(message: string, fix?: string): CliError {
  return new CliError(message, { kind: "usage", code: "USAGE", ...(fix === undefined ? {} : { fix }) });
}

/** A file that the command reads is wrong: exit code 2, like a wrong flag. */
export function configError(message: string, fix?: string): CliError {
  return new CliError(message, { kind: "usage", code: "CONFIG_INVALID", ...(fix === undefined ? {} : { fix }) });
}
