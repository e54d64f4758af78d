import type { Terminal } from "../output/terminal.ts";
import type { ArgumentMap, ArgumentValues } from "./argument.ts";
import type { CommandContext } from "./context.ts";
import type { ExitKind } from "./exit-code.ts";
import type { OptionMap, OptionValues } from "./option.ts";

/** What a command hands back: the same facts once as data (`--json`) and once as text. */
export interface CommandResult {
  readonly data: unknown;
  readonly render: (terminal: Terminal) => void;
  /** Given where the command did its work and the answer is still "no", such as `doctor` finding a fault. */
  readonly exit?: ExitKind;
}

export interface CommandExample {
  readonly command: string;
  readonly explanation: string;
}

interface Described {
  readonly name: string;
  /** One line, without a full stop. */
  readonly summary: string;
  /** Paragraphs shown in the help and in the reference. */
  readonly details?: readonly string[];
}

interface Definition<Arguments extends ArgumentMap, Options extends OptionMap> extends Described {
  readonly arguments?: Arguments;
  readonly options?: Options;
  /** At least one. */
  readonly examples: readonly [CommandExample, ...CommandExample[]];
  readonly run: (
    context: CommandContext,
    input: { readonly args: ArgumentValues<Arguments>; readonly options: OptionValues<Options> },
    // biome-ignore lint/suspicious/noConfusingVoidType: a streaming command hands nothing back
  ) => Promise<CommandResult | void>;
}

/** A command whose input types are forgotten, as the tree holds it. */
export interface Command extends Described {
  readonly kind: "command";
  readonly arguments: ArgumentMap;
  readonly options: OptionMap;
  readonly examples: readonly CommandExample[];
  readonly run: (
    context: CommandContext,
    input: { readonly args: Readonly<Record<string, unknown>>; readonly options: Readonly<Record<string, unknown>> },
  ) => Promise<CommandResult | undefined>;
}

/** Commands under one word, such as `db`. */
export interface CommandGroup extends Described {
  readonly kind: "group";
  readonly commands: readonly Command[];
}

export function defineCommand<
  const Arguments extends ArgumentMap = Record<never, never>,
  const Options extends OptionMap = Record<never, never>,
>(definition: Definition<Arguments, Options>): Command {
  return {
    kind: "command",
    name: definition.name,
    summary: definition.summary,
    ...(definition.details === undefined ? {} : { details: definition.details }),
    arguments: definition.arguments ?? {},
    options: definition.options ?? {},
    examples: definition.examples,
    // The program fills the input from these same maps, so the types hold by construction.
    run: async (context, input) => (await definition.run(context, input as never)) ?? undefined,
  };
}

export function defineGroup(definition: Described & { readonly commands: readonly Command[] }): CommandGroup {
  return { kind: "group", ...definition };
}
