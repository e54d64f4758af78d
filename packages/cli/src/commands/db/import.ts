import { resolve } from "node:path";
import { importResponseSchema } from "@aerostack/contracts";
import { apiPath, TRANSFER_TIMEOUT_MS } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { defineCommand } from "../../command/define-command.ts";
import { openInputFile } from "../../command/open-input-file.ts";
import { formatBytes, formatDuration, plural } from "../../output/format.ts";
import { destroy } from "../destroy.ts";
import { chosenDatabase, databaseOption, dryRunOption } from "../shared-options.ts";

export const dbImportCommand = defineCommand({
  name: "import",
  summary: "Run a file of SQL against a database",
  details: ["All of it or nothing: a statement that fails undoes those before it."],
  arguments: { file: required("File of SQL, such as one that `aerostack db export` wrote") },
  options: { database: databaseOption, dryRun: dryRunOption },
  examples: [{ command: "aerostack db import backup.sql --database restored", explanation: "Into another database" }],
  async run(context, { args, options }) {
    const file = resolve(context.surroundings.cwd, args.file);
    const body = await openInputFile(file);
    const database = await chosenDatabase(context, options.database);
    const project = await context.project();
    const api = await context.api();
    return destroy(context, {
      verb: ["import", "Importing", "Imported"],
      what: `${args.file} (${formatBytes(body.size)}) into database ${database} of ${project.slug}`,
      facts: { file, sizeBytes: body.size, database, project: project.slug },
      dryRun: options.dryRun,
      work: () =>
        api.call("POST", apiPath("projects", project.id, "db", "import"), importResponseSchema, {
          body,
          query: { database },
          headers: { "content-type": "application/sql" },
          timeoutMs: TRANSFER_TIMEOUT_MS,
        }),
      outcome: ({ statements, durationMs }) => ({
        facts: { statements, durationMs },
        text: `Ran ${plural(statements, "statement")} in ${formatDuration(durationMs)}`,
      }),
    });
  },
});
