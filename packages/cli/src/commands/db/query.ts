import { resolve } from "node:path";
import { optional } from "../../command/argument.ts";
import { usageError } from "../../command/cli-error.ts";
import { defineCommand } from "../../command/define-command.ts";
import { openInputFile } from "../../command/open-input-file.ts";
import { list, text } from "../../command/option.ts";
import { readStdin } from "../../command/read-input.ts";
import { chosenDatabase, databaseOption } from "../shared-options.ts";
import { queryDatabase, renderSqlResult } from "./query-database.ts";

export const dbQueryCommand = defineCommand({
  name: "query",
  summary: "Run a SQL statement and show its rows",
  details: [
    "The statement is the argument, the content of --file, or standard input. Values for its ? marks are given with --param in order: numbers, true, false and null are read as such, everything else is text.",
  ],
  arguments: { sql: optional("Statement") },
  options: {
    database: databaseOption,
    file: text("file", "Take the statement from a file"),
    param: list("value", "Value for the next ?"),
  },
  examples: [
    { command: 'aerostack db query "SELECT * FROM notes LIMIT 10"', explanation: "Look at rows" },
    {
      command: 'aerostack db query "UPDATE notes SET done = ? WHERE id = ?" --param true --param 7',
      explanation: "With values",
    },
  ],
  async run(context, { args, options }) {
    const { stdin, cwd } = context.surroundings;
    if (args.sql !== undefined && options.file !== undefined)
      throw usageError("A statement and --file exclude each other.");
    if (args.sql === undefined && options.file === undefined && stdin.isTTY === true) {
      throw usageError(
        "No statement is given.",
        "Give it as an argument, with --file, or on standard input; `aerostack db shell` takes many.",
      );
    }
    const sql =
      args.sql ??
      (options.file === undefined
        ? (await readStdin(stdin)).toString("utf8")
        : await (await openInputFile(resolve(cwd, options.file))).text());
    const database = await chosenDatabase(context, options.database);
    const project = await context.project();
    const api = await context.api();
    const params = options.param.map(readParameter);
    const result = await context.terminal.step(
      "Running",
      () => queryDatabase({ api, projectId: project.id, database, sql, ...(params.length === 0 ? {} : { params }) }),
      () => undefined,
    );
    return { data: result, render: (terminal) => renderSqlResult(terminal, result) };
  },
});

/** `7`, `1.5`, `true`, `null` as such; everything else, `007` too, as text. */
function readParameter(value: string): string | number | boolean | null {
  if (value === "null") return null;
  if (value === "true" || value === "false") return value === "true";
  return /^-?(?:0|[1-9]\d{0,14})(?:\.\d+)?$/.test(value) ? Number(value) : value;
}
