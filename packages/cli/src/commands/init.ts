import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { optional } from "../command/argument.ts";
import { usageError } from "../command/cli-error.ts";
import type { CommandContext } from "../command/context.ts";
import { defineCommand } from "../command/define-command.ts";
import { choice, flag } from "../command/option.ts";
import { CONFIG_FILES } from "../config/load-config.ts";
import { toName } from "../config/resource-name.ts";
import { copyTemplate } from "../init/copy-template.ts";
import { dependenciesOf, installPackages } from "../init/install-packages.ts";
import { TEMPLATE_NAMES, TEMPLATES, templateDirectory } from "../init/templates.ts";

const DEFAULT_NAME = "my-app";
/** The server takes no shorter name for a project. */
const SHORTEST_NAME = 2;

export const initCommand = defineCommand({
  name: "init",
  summary: "Create a project from a template",
  details: [
    `Templates: ${TEMPLATES.map(({ name, summary }) => `${name} (${summary.charAt(0).toLowerCase()}${summary.slice(1)})`).join(", ")}.`,
    "Packages that the template's code is made of are installed with npm.",
  ],
  arguments: { name: optional("Name of the project and of its new folder; . for this folder") },
  options: {
    template: choice("template", "Template", TEMPLATE_NAMES, undefined, { short: "t" }),
    skipInstall: flag("Leave the packages to you"),
  },
  examples: [
    { command: "aerostack init my-api --template api", explanation: "An API with a database" },
    { command: "aerostack init", explanation: "Asks for name and template" },
  ],
  async run(context, { args, options }) {
    const { surroundings, terminal } = context;
    const given = args.name ?? (await askForName(context));
    const directory = resolve(surroundings.cwd, given);
    const name = toName(basename(directory));
    if (name.length < SHORTEST_NAME)
      throw usageError(`A project's name needs two letters or digits; '${given}' gives '${name}'.`);
    await assertFree(directory);
    const template = options.template ?? (await askForTemplate(context));
    const files = await copyTemplate(templateDirectory(template), directory, name);
    terminal.success(`Created ${name} from template ${template} (${files.length} files)`);

    const dependencies = await dependenciesOf(directory);
    let installed = dependencies.length === 0;
    if (dependencies.length > 0 && !options.skipInstall) {
      const failure = await terminal.step(
        `Installing ${dependencies.join(", ")}`,
        () => installPackages(directory, surroundings.env, surroundings.signal),
        (problem) => (problem === undefined ? `Installed ${dependencies.join(", ")}` : undefined),
      );
      installed = failure === undefined;
      if (failure !== undefined) terminal.warn(`npm install failed; run it yourself later.\n${failure}`);
    }

    const folder = relative(surroundings.cwd, directory);
    const steps = [
      ...(folder === "" ? [] : [`cd ${folder}`]),
      ...(installed ? [] : ["npm install"]),
      `${invocation(surroundings.env)} dev`,
    ];
    return {
      data: { name, template, directory, files, installed, next: steps },
      render(out) {
        out.line();
        out.line("Next:");
        out.line();
        for (const step of steps) out.line(`  ${out.style.accent(step)}`);
        out.line();
        out.line(out.style.dim(`${invocation(surroundings.env)} deploy puts it on the server you are logged in to.`));
      },
    };
  },
});

/** How the reader starts this CLI: as they did just now. */
function invocation(env: NodeJS.ProcessEnv): string {
  return env.npm_command === "exec" ? "npx aerostack" : "aerostack";
}

async function askForName(context: CommandContext): Promise<string> {
  const fix = "Name it: aerostack init <name>.";
  const answer = await context.prompts.text("What is it called?", { fix, placeholder: DEFAULT_NAME });
  return answer.trim() === "" ? DEFAULT_NAME : answer.trim();
}

async function askForTemplate(context: CommandContext) {
  if (!context.prompts.available) return "blank";
  const choices = TEMPLATES.map(({ name, summary }) => ({ value: name, label: name, hint: summary }));
  return context.prompts.select("What do you start from?", choices, { fix: "Name it with --template." });
}

/** A folder that has files of its own is not written over. */
async function assertFree(directory: string): Promise<void> {
  if (!existsSync(directory)) return;
  const configured = CONFIG_FILES.find((file) => existsSync(join(directory, file)));
  if (configured !== undefined) {
    throw usageError(`${directory} has a ${configured} already.`, "Deploy it as it is, or choose another name.");
  }
  const entries = (await readdir(directory)).filter((entry) => entry !== ".git");
  if (entries.length > 0) throw usageError(`${directory} is not empty.`, "Choose another name, or an empty folder.");
}
