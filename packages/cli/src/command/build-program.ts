import { CommanderError, Command as Program } from "commander";
import type { Style } from "../output/style.ts";
import { argumentSynopsis } from "./argument.ts";
import { CliError, usageError } from "./cli-error.ts";
import type { Command, CommandGroup } from "./define-command.ts";
import { GLOBAL_OPTIONS, type GlobalOptions } from "./global-options.ts";
import { type OptionMap, optionName } from "./option.ts";
import { type HelpSection, optionSynopsis, renderCommandHelp, renderGroupHelp, renderRootHelp } from "./render-help.ts";

/** What the command line asks for. */
export type Invocation =
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "command";
      readonly path: string;
      readonly command: Command;
      readonly globals: GlobalOptions;
      readonly input: {
        readonly args: Readonly<Record<string, unknown>>;
        readonly options: Readonly<Record<string, unknown>>;
      };
    };

export interface ParseOptions {
  readonly sections: readonly HelpSection[];
  readonly version: string;
  readonly style: Style;
}

/** Parses a command line (without node and script). Throws a usage error that says what to write instead. */
export function parseCommandLine(argv: readonly string[], { sections, version, style }: ParseOptions): Invocation {
  let invocation: Invocation | undefined;
  let written = "";
  const silent = {
    writeOut(text: string) {
      written += text;
    },
    writeErr() {},
    outputError() {},
  };

  function prepare(program: Program, help: string): Program {
    program.exitOverride().configureOutput(silent).helpCommand(false).helpOption("-h, --help", "Show this help");
    program.configureHelp({ formatHelp: () => help });
    return program;
  }

  const root = prepare(new Program("aerostack"), renderRootHelp(sections, version, style));
  root.version(version, "-V, --version");
  addOptions(root, GLOBAL_OPTIONS);
  root.action(() => {
    written += renderRootHelp(sections, version, style);
  });
  root.allowExcessArguments(true);

  function addCommand(parent: Program, command: Command, prefix: string): void {
    const path = prefix + command.name;
    const program = prepare(parent.command(command.name), renderCommandHelp(path, command, style));
    program.allowExcessArguments(false);
    for (const [name, argument] of Object.entries(command.arguments))
      program.argument(argumentSynopsis(name, argument));
    addOptions(program, command.options);
    program.action((...given: unknown[]) => {
      const names = Object.keys(command.arguments);
      invocation = {
        kind: "command",
        path,
        command,
        globals: readOptions(root, GLOBAL_OPTIONS) as unknown as GlobalOptions,
        input: {
          args: Object.fromEntries(names.map((name, index) => [name, given[index]])),
          options: readOptions(program, command.options),
        },
      };
    });
  }

  function addGroup(group: CommandGroup): void {
    const program = prepare(root.command(group.name), renderGroupHelp(group, style));
    program.allowExcessArguments(true).action((_options: unknown, self: Program) => {
      const word = self.args[0];
      if (word !== undefined)
        throw unknownCommand(
          `${group.name} ${word}`,
          group.commands.map(({ name }) => `${group.name} ${name}`),
        );
      written += renderGroupHelp(group, style);
    });
    for (const command of group.commands) addCommand(program, command, `${group.name} `);
  }

  for (const { commands } of sections) {
    for (const entry of commands) entry.kind === "group" ? addGroup(entry) : addCommand(root, entry, "");
  }

  try {
    root.parse([...argv], { from: "user" });
  } catch (error) {
    if (error instanceof CliError) throw error;
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === "commander.helpDisplayed" || error.code === "commander.help")
      return { kind: "text", text: written };
    if (error.code === "commander.version") return { kind: "text", text: `${version}\n` };
    throw translate(error, commandPath(argv, sections));
  }
  if (invocation !== undefined) return invocation;
  const word = root.args[0];
  if (word !== undefined)
    throw unknownCommand(
      word,
      sections.flatMap(({ commands }) => commands.map(({ name }) => name)),
    );
  return { kind: "text", text: written };
}

function addOptions(program: Program, options: OptionMap): void {
  for (const [key, option] of Object.entries(options)) {
    const synopsis = optionSynopsis(key, option);
    const name = optionName(key);
    if (option.kind === "flag") program.option(synopsis, option.description);
    else if (option.kind === "list") {
      program.option(synopsis, option.description, (text: string, before: unknown) => [
        ...((before as readonly unknown[] | undefined) ?? []),
        option.parse(text, name),
      ]);
    } else program.option(synopsis, option.description, (text: string) => option.parse(text, name));
  }
}

function readOptions(program: Program, options: OptionMap): Record<string, unknown> {
  const given: Record<string, unknown> = program.opts();
  return Object.fromEntries(
    Object.entries(options).map(([key, { defaultValue }]) => [key, given[key] ?? defaultValue]),
  );
}

/** The command that a command line begins with, as far as there is one: "db query". */
function commandPath(argv: readonly string[], sections: readonly HelpSection[]): string {
  const [first, second] = argv.filter((word) => !word.startsWith("-"));
  const entry = sections.flatMap(({ commands }) => commands).find(({ name }) => name === first);
  if (entry === undefined) return "";
  if (entry.kind === "command") return ` ${entry.name}`;
  return entry.commands.some(({ name }) => name === second) ? ` ${entry.name} ${second}` : ` ${entry.name}`;
}

function translate(error: CommanderError, path: string): CliError {
  const message = error.message.replace(/^error: /, "").replace(/\n\(Did you mean (.*)\?\)$/, ". Did you mean $1?");
  const sentence = `${message.charAt(0).toUpperCase()}${message.slice(1)}`;
  const fix = `Run \`aerostack${path} --help\` for the options and an example.`;
  return usageError(/[.?]$/.test(sentence) ? sentence : `${sentence}.`, fix);
}

function unknownCommand(word: string, known: readonly string[]): CliError {
  const closest = known
    .map((name) => ({ name, distance: editDistance(word, name) }))
    .sort((a, b) => a.distance - b.distance)[0];
  const near = closest !== undefined && closest.distance <= 2 ? closest.name : undefined;
  return usageError(
    `There is no command '${word}'.`,
    near === undefined ? "Run `aerostack --help` for all commands." : `Did you mean \`aerostack ${near}\`?`,
  );
}

/** Levenshtein distance of two short words. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
