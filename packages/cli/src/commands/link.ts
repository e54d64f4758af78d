import { readFile, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { listProjectsResponseSchema, type Project, projectResponseSchema } from "@aerostack/contracts";
import { type ApiClient, apiPath } from "../api/api-client.ts";
import { optional } from "../command/argument.ts";
import { CliError, usageError } from "../command/cli-error.ts";
import type { CommandContext } from "../command/context.ts";
import { defineCommand } from "../command/define-command.ts";
import { flag } from "../command/option.ts";
import { setTopLevelString } from "../config/edit-toml.ts";
import { writeLink } from "../config/link-file.ts";

/** As many as a person would look through. */
const LARGEST_CHOICE = 200;

export const linkCommand = defineCommand({
  name: "link",
  summary: "Tie this folder to a project",
  details: [
    "Writes .aerostack/project.json, which is yours alone; with --write-toml the project is named in aerostack.toml, for everybody.",
  ],
  arguments: { project: optional("Slug or id; asked for where it is left out") },
  options: { writeToml: flag("Write project_id into aerostack.toml instead") },
  examples: [{ command: "aerostack link my-shop", explanation: "Deploy to my-shop from here on" }],
  async run(context, { args, options }) {
    const api = await context.api();
    const wanted = args.project ?? context.globals.project;
    const project = wanted === undefined ? await choose(context, api) : await find(api, wanted);
    const config = await context.config();
    let file: string;
    if (options.writeToml) {
      if (config === undefined || basename(config.file) !== "aerostack.toml") {
        throw usageError(
          "There is no aerostack.toml here to write to.",
          "Leave --write-toml out, or create one with `aerostack init`.",
        );
      }
      file = config.file;
      await writeFile(file, setTopLevelString(await readFile(file, "utf8"), "project_id", project.id));
    } else {
      file = await writeLink(config?.directory ?? context.surroundings.cwd, {
        projectId: project.id,
        apiUrl: api.baseUrl,
      });
    }
    context.terminal.success(`Linked to ${project.slug} (${file})`);
    return { data: { project, file }, render: () => {} };
  },
});

async function find(api: ApiClient, wanted: string): Promise<Project> {
  return (await api.call("GET", apiPath("projects", wanted), projectResponseSchema)).project;
}

async function choose(context: CommandContext, api: ApiClient): Promise<Project> {
  const fix = "Name it: aerostack link <project>.";
  if (!context.prompts.available) throw usageError("No project is named.", fix);
  const { projects } = await api.call("GET", apiPath("projects"), listProjectsResponseSchema, {
    query: { limit: LARGEST_CHOICE },
  });
  if (projects.length === 0) {
    throw new CliError("You have no projects yet.", {
      kind: "notFound",
      code: "PROJECT_NOT_FOUND",
      fix: "`aerostack deploy` creates one, and so does `aerostack projects create <name>`.",
    });
  }
  const choices = projects.map(({ id, slug, name }) => ({ value: id, label: slug, hint: name }));
  const id = await context.prompts.select("Which project?", choices, { fix });
  return projects.find((project) => project.id === id) ?? (await find(api, id));
}
