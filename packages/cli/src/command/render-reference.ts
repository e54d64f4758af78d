import { argumentSynopsis } from "./argument.ts";
import type { Command, CommandGroup } from "./define-command.ts";
import { EXIT_CODES, type ExitKind } from "./exit-code.ts";
import { GLOBAL_OPTIONS } from "./global-options.ts";
import type { OptionMap } from "./option.ts";
import { commandSynopsis, type HelpSection, optionDescription, optionSynopsis } from "./render-help.ts";

const EXIT_MEANINGS: Readonly<Record<ExitKind, string>> = {
  ok: "It did what was asked.",
  failed: "It was understood and did not succeed.",
  usage: "The command line, or a file that it reads, is wrong.",
  auth: "There is no credential, or it does not allow this.",
  notFound: "What is named does not exist.",
  server: "The server failed, or did not answer.",
  interrupted: "It was ended by Ctrl-C.",
};

const INTRODUCTION = `# Command line

<!-- Generated from the command tree by scripts/generate-cli-docs.ts. -->

\`aerostack\` creates, runs, deploys and watches functions. In a checkout it is \`npx aerostack\`.

Results go to standard output, progress and errors to standard error. With \`--json\` standard output holds one JSON
document, also for an error (\`{"error": {"code", "message", "fix", "requestId"}}\`); commands that stream write one line per
event. Colours follow \`NO_COLOR\` and \`FORCE_COLOR\`.`;

const RESOLUTION = `## Which server, which key, which project

The server is the first of: \`--api-url\`, \`AEROSTACK_API_URL\`, \`api_url\` of the configuration file, the server of the last
log-in, \`http://127.0.0.1:8787\`.

The key is the first of: \`AEROSTACK_API_KEY\`, \`api_key\` of the configuration file, the one that the server gave at log-in
(\`~/.aerostack/credentials.json\`, mode 600). A key from a log-in is sent to the server that gave it and to no other.

The project is the one that a project key belongs to; else the first of: \`--project\`, \`project_id\` of the configuration
file, the folder's link (\`.aerostack/project.json\`), \`project_slug\`, the project with the configuration's name. \`aerostack
deploy\` creates it where there is none.`;

/** The reference page of all commands, in Markdown. */
export function renderReference(sections: readonly HelpSection[]): string {
  const parts = [
    INTRODUCTION,
    "## Exit codes",
    table(
      ["Code", "Meaning"],
      Object.entries(EXIT_CODES).map(([kind, code]) => [`\`${code}\``, EXIT_MEANINGS[kind as ExitKind]]),
    ),
    "## Options of every command",
    optionTable(GLOBAL_OPTIONS),
    RESOLUTION,
    ...sections.flatMap(({ title, commands }) => [`## ${title}`, ...commands.flatMap((entry) => entrySection(entry))]),
  ];
  return `${parts.join("\n\n")}\n`;
}

function entrySection(entry: Command | CommandGroup): string[] {
  if (entry.kind === "command") return commandSection(entry.name, entry);
  const commands = entry.commands.flatMap((command) => commandSection(`${entry.name} ${command.name}`, command));
  return [`### aerostack ${entry.name}`, `${entry.summary}.`, ...(entry.details ?? []).map(escapeText), ...commands];
}

function commandSection(path: string, command: Command): string[] {
  const level = path.includes(" ") ? "####" : "###";
  const argumentRows = Object.entries(command.arguments).map(([name, argument]) => [
    `\`${argumentSynopsis(name, argument)}\``,
    escapeText(argument.description),
  ]);
  return [
    `${level} aerostack ${path}`,
    `${escapeText(command.summary)}.`,
    ...(command.details ?? []).map(escapeText),
    code([commandSynopsis(path, command)]),
    ...(argumentRows.length === 0 ? [] : [table(["Argument", "Meaning"], argumentRows)]),
    ...(Object.keys(command.options).length === 0 ? [] : [optionTable(command.options)]),
    code(command.examples.flatMap(({ command: line, explanation }) => [`# ${explanation}`, line])),
  ];
}

function optionTable(options: OptionMap): string {
  return table(
    ["Option", "Meaning"],
    Object.entries(options).map(([key, option]) => [
      `\`${optionSynopsis(key, option)}\``,
      escapeText(optionDescription(option)),
    ]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function code(lines: readonly string[]): string {
  return ["```sh", ...lines, "```"].join("\n");
}

/** `<name>` outside of code would be taken for HTML, a bar for the end of a cell. */
function escapeText(text: string): string {
  return text
    .split("`")
    .map((part, index) => (index % 2 === 1 ? part : part.replaceAll("<", "\\<").replaceAll("|", "\\|")))
    .join("`");
}
