import { parseCommandLine } from "./command/build-program.ts";
import { CliError } from "./command/cli-error.ts";
import { createContext } from "./command/context.ts";
import { EXIT_CODES, type ExitKind } from "./command/exit-code.ts";
import { renderError, toCliError } from "./command/render-error.ts";
import type { Surroundings } from "./command/surroundings.ts";
import { COMMAND_SECTIONS } from "./commands/command-tree.ts";
import { createStyle, wantsColour } from "./output/style.ts";
import { createTerminal } from "./output/terminal.ts";
import { CLI_VERSION } from "./version.ts";

/** Runs one command line and answers the process's exit code. Never throws. */
export async function runCli(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  const { stdout, stderr, env } = surroundings;
  // The command line may not parse at all; how its error is written is read beforehand.
  let json = argv.includes("--json");
  let verbose = argv.includes("--verbose");
  let exit: ExitKind;
  try {
    const style = createStyle(wantsColour(env, stdout.isTTY));
    const invocation = parseCommandLine(argv, { sections: COMMAND_SECTIONS, version: CLI_VERSION, style });
    if (invocation.kind === "text") {
      stdout.write(invocation.text);
      return EXIT_CODES.ok;
    }
    json = invocation.globals.json;
    verbose = invocation.globals.verbose;
    const terminal = createTerminal({ stdout, stderr, env, json });
    const context = createContext({ surroundings, globals: invocation.globals, terminal });
    const result = await invocation.command.run(context, invocation.input);
    if (result !== undefined) {
      if (json) terminal.document(result.data);
      else result.render(terminal);
    }
    exit = result?.exit ?? "ok";
  } catch (thrown) {
    const error = surroundings.signal.aborted
      ? new CliError("Stopped.", { kind: "interrupted", code: "INTERRUPTED", cause: thrown })
      : toCliError(thrown);
    exit = renderError(error, createTerminal({ stdout, stderr, env, json }), verbose);
  }
  return EXIT_CODES[exit];
}
