import { renderDiff } from "../output/render-diff.ts";
import type { Terminal } from "../output/terminal.ts";
import { CliError } from "./cli-error.ts";
import type { ExitKind } from "./exit-code.ts";

/** What is thrown, as a failure that can be shown: a defect of the CLI becomes one that says so. */
export function toCliError(error: unknown): CliError {
  if (error instanceof CliError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Error && "code" in error && typeof error.code === "string" && "syscall" in error) {
    // The system's own message names the operation and the path.
    return new CliError(`The system refused an operation: ${message}.`, { code: error.code, cause: error });
  }
  return new CliError(`Something unexpected happened: ${message}`, {
    code: "CLI_DEFECT",
    fix: "This is a fault of the CLI. Run the command again with --verbose and report what it shows.",
    cause: error,
  });
}

/** Writes the failure, to stdout as JSON with `--json`, else to stderr as text; answers how the process ends. */
export function renderError(error: CliError, terminal: Terminal, verbose: boolean): ExitKind {
  if (terminal.json) {
    terminal.document({
      error: {
        code: error.code,
        message: error.message,
        ...(error.fix === undefined ? {} : { fix: error.fix }),
        ...(error.requestId === undefined ? {} : { requestId: error.requestId }),
        ...(error.details === undefined ? {} : { details: error.details }),
      },
    });
    return error.kind;
  }
  if (error.kind === "interrupted") return error.kind;
  const [first = "", ...more] = error.message.split("\n");
  terminal.failure(first);
  for (const line of more) terminal.note(`  ${line}`);
  if (typeof error.details?.diff === "string") renderDiff(terminal, error.details.diff);
  if (error.fix !== undefined) terminal.note(`  ${error.fix}`);
  const reference = error.requestId === undefined ? error.code : `${error.code}, request ${error.requestId}`;
  if (error.code !== "USAGE" && error.code !== "NOT_CONFIRMED") terminal.note(`  (${reference})`);
  if (verbose) {
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
      terminal.note(`\n${cause.stack ?? cause.message}`);
  }
  return error.kind;
}
