import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";
import { listCollectionsResponseSchema, listTablesResponseSchema } from "@aerostack/contracts";
import { projectMetadataAnswer } from "../../api/answers.ts";
import { apiPath } from "../../api/api-client.ts";
import { defineCommand } from "../../command/define-command.ts";
import { text } from "../../command/option.ts";
import { plural } from "../../output/format.ts";
import { renderTypes } from "../../types/render-types.ts";
import { chosenDatabase, databaseOption } from "../shared-options.ts";

const DEFAULT_FILE = "aerostack-types.ts";

export const generateTypesCommand = defineCommand({
  name: "types",
  summary: "Write TypeScript types of tables and collections",
  details: [
    'Of the database\'s schema as it is now, and of the JSON Schema of every collection. Use them with the SDK: createClient<ProjectSchema["collections"]>(…).',
  ],
  options: {
    output: text("file", `Where to write; by default ${DEFAULT_FILE} beside the configuration file`, { short: "o" }),
    database: databaseOption,
  },
  examples: [
    { command: "aerostack generate types", explanation: `Write ${DEFAULT_FILE}` },
    { command: "aerostack generate types -o src/db-types.ts", explanation: "Write another file" },
  ],
  async run(context, { options }) {
    const { cwd } = context.surroundings;
    const config = await context.config();
    const file =
      options.output === undefined ? resolve(config?.directory ?? cwd, DEFAULT_FILE) : resolve(cwd, options.output);
    const database = await chosenDatabase(context, options.database);
    const project = await context.project();
    const api = await context.api();
    const found = await context.terminal.step(
      "Reading the schema",
      async () => {
        const { collections } = await api.call(
          "GET",
          apiPath("projects", project.id, "collections"),
          listCollectionsResponseSchema,
        );
        const { tables } = await api.call(
          "GET",
          apiPath("projects", project.id, "db", "tables"),
          listTablesResponseSchema,
          {
            query: { database },
          },
        );
        const metadata = await api.call("GET", "/api/v1/cli/project-metadata", projectMetadataAnswer, {
          query: { project: project.slug },
        });
        return { collections, tables, customApis: (metadata.hooks ?? []).map(({ slug }) => slug) };
      },
      () => undefined,
    );
    const content = renderTypes({ project: project.slug, ...found });
    const changed = (await readFile(file, "utf8").catch(() => undefined)) !== content;
    if (changed) {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
    }
    const tables = found.tables.map(({ name }) => name);
    const collections = found.collections.map(({ name }) => name);
    return {
      data: { file, changed, database, tables, collections },
      render: (terminal) =>
        terminal.success(
          `${changed ? "Wrote" : "Nothing new in"} ${relative(cwd, file)}: ${plural(tables.length, "table")}, ${plural(collections.length, "collection")}`,
        ),
    };
  },
});
