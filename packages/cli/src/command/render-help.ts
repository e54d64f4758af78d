import type { Style } from "../output/style.ts";
import { argumentSynopsis } from "./argument.ts";
import type { Command, CommandGroup } from "./define-command.ts";
import { GLOBAL_OPTIONS } from "./global-options.ts";
import { type Option, type OptionMap, optionName } from "./option.ts";

/** `-m, --message <text>` */
export function optionSynopsis(key: string, option: Option<unknown>): string {
  const value = option.placeholder === undefined ? "" : ` <${option.placeholder}>`;
  return `${option.short === undefined ? "" : `-${option.short}, `}${optionName(key)}${value}`;
}

export function optionDescription(option: Option<unknown>): string {
  const facts: string[] = [];
  if (option.choices !== undefined) facts.push(`one of ${option.choices.join(", ")}`);
  if (option.kind === "list") facts.push("may be given several times");
  if (option.kind === "value" && option.defaultValue !== undefined)
    facts.push(`default ${String(option.defaultValue)}`);
  return facts.length === 0 ? option.description : `${option.description} (${facts.join("; ")})`;
}

/** `aerostack db query <sql> [options]` */
export function commandSynopsis(path: string, command: Command): string {
  const args = Object.entries(command.arguments).map(([name, argument]) => argumentSynopsis(name, argument));
  const options = Object.keys(command.options).length === 0 ? [] : ["[options]"];
  return ["aerostack", path, ...args, ...options].join(" ");
}

function section(title: string, rows: readonly (readonly [string, string])[], style: Style): string[] {
  if (rows.length === 0) return [];
  const width = Math.max(...rows.map(([left]) => left.length));
  return ["", style.bold(title), ...rows.map(([left, right]) => `  ${style.accent(left.padEnd(width))}  ${right}`)];
}

function optionRows(options: OptionMap): [string, string][] {
  return Object.entries(options).map(([key, option]) => [optionSynopsis(key, option), optionDescription(option)]);
}

const GLOBAL_NAMES = Object.keys(GLOBAL_OPTIONS).map(optionName).join(", ");

export function renderCommandHelp(path: string, command: Command, style: Style): string {
  const lines = [
    `${style.bold(`aerostack ${path}`)}  ${command.summary}.`,
    ...(command.details ?? []).flatMap((paragraph) => ["", ...wrap(paragraph)]),
    "",
    style.bold("Usage"),
    `  ${commandSynopsis(path, command)}`,
    ...section(
      "Arguments",
      Object.entries(command.arguments).map(([name, { description }]) => [name, description]),
      style,
    ),
    ...section("Options", optionRows(command.options), style),
    "",
    style.dim(`Every command also takes ${GLOBAL_NAMES} (see aerostack --help).`),
    "",
    style.bold(command.examples.length === 1 ? "Example" : "Examples"),
    ...command.examples.flatMap(({ command: line, explanation }) => [
      `  ${style.dim(`# ${explanation}`)}`,
      `  ${line}`,
    ]),
  ];
  return `${lines.join("\n")}\n`;
}

export function renderGroupHelp(group: CommandGroup, style: Style): string {
  const lines = [
    `${style.bold(`aerostack ${group.name}`)}  ${group.summary}.`,
    ...(group.details ?? []).flatMap((paragraph) => ["", ...wrap(paragraph)]),
    ...section(
      "Commands",
      group.commands.map((command) => [`${group.name} ${command.name}`, command.summary]),
      style,
    ),
    "",
    style.dim(`aerostack ${group.name} <command> --help shows a command's options and an example.`),
  ];
  return `${lines.join("\n")}\n`;
}

export interface HelpSection {
  readonly title: string;
  readonly commands: readonly (Command | CommandGroup)[];
}

export function renderRootHelp(sections: readonly HelpSection[], version: string, style: Style): string {
  const width = Math.max(...sections.flatMap(({ commands }) => commands.map(({ name }) => name.length)));
  const lines = [
    `${style.bold("aerostack")} ${style.dim(version)}  Create, run, deploy and watch functions.`,
    ...sections.flatMap(({ title, commands }) => [
      "",
      style.bold(title),
      ...commands.map(({ name, summary }) => `  ${style.accent(name.padEnd(width))}  ${summary}`),
    ]),
    ...section("Options of every command", optionRows(GLOBAL_OPTIONS), style),
    "",
    style.dim("aerostack <command> --help shows a command's options and an example."),
  ];
  return `${lines.join("\n")}\n`;
}

const TEXT_COLUMNS = 88;

function wrap(paragraph: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of paragraph.split(" ")) {
    if (line !== "" && line.length + word.length + 1 > TEXT_COLUMNS) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
