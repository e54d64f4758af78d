import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { CliError } from "../../command/cli-error.ts";
import type { CommandContext } from "../../command/context.ts";
import { defineCommand } from "../../command/define-command.ts";
import { toCliError } from "../../command/render-error.ts";
import { chosenDatabase, databaseOption } from "../shared-options.ts";
import { type DatabaseQuery, queryDatabase, renderSqlResult } from "./query-database.ts";
import { splitStatements } from "./split-statements.ts";

const HELP = [
  "A statement ends with a semicolon and may span lines.",
  "  .tables           tables and views",
  "  .schema [table]   how they were created",
  "  .exit             leave (or Ctrl-D)",
];
const TABLES =
  "SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_cf_%' ORDER BY name";

export const dbShellCommand = defineCommand({
  name: "shell",
  summary: "Type SQL and see rows",
  details: ["Reads statements from standard input where that is no terminal, and stops at the first that fails."],
  options: { database: databaseOption },
  examples: [{ command: "aerostack db shell", explanation: "Leave with .exit or Ctrl-D" }],
  async run(context, { options }) {
    const { stdin, signal } = context.surroundings;
    const { terminal } = context;
    const database = await chosenDatabase(context, options.database);
    const project = await context.project();
    const target = { api: await context.api(), projectId: project.id, database };
    const interactive = stdin.isTTY === true && !terminal.json;
    const prompt = `${database}> `;
    const continuation = "...> ".padStart(prompt.length);

    const lines = createInterface({
      input: stdin,
      ...(interactive ? { output: process.stderr, terminal: true } : { output: new Writable(), terminal: false }),
      prompt,
      signal,
    });
    if (interactive) {
      terminal.note(terminal.noteStyle.dim(`Database ${database} of ${project.slug}. .help shows what else there is.`));
      lines.prompt();
    }
    let typed = "";
    // As sqlite3 does it: Ctrl-C drops what is being typed, and leaves where nothing is.
    lines.on("SIGINT", () => {
      if (typed === "" && lines.line === "") {
        lines.close();
        return;
      }
      typed = "";
      lines.write(null, { ctrl: true, name: "u" });
      terminal.note("");
      lines.setPrompt(prompt);
      lines.prompt();
    });
    for await (const line of lines) {
      const word = line.trim();
      if (typed === "" && word.startsWith(".")) {
        if (word === ".exit" || word === ".quit") break;
        await runMeta(context, target, word);
      } else {
        const { statements, rest } = splitStatements(`${typed}${line}\n`);
        typed = rest;
        for (const sql of statements) await runStatement(context, target, sql, interactive);
      }
      if (!interactive) continue;
      lines.setPrompt(typed === "" ? prompt : continuation);
      lines.prompt();
    }
    lines.close();
    // The last statement of a file may lack its semicolon.
    if (!interactive && typed.trim() !== "") await runStatement(context, target, typed.trim(), interactive);
  },
});

type Target = Omit<DatabaseQuery, "sql" | "params">;

async function runStatement(
  context: CommandContext,
  target: Target,
  sql: string,
  goOn: boolean,
  params?: readonly unknown[],
) {
  try {
    const result = await queryDatabase({ ...target, sql, ...(params === undefined ? {} : { params }) });
    context.terminal.event(result, (terminal) => renderSqlResult(terminal, result));
  } catch (error) {
    if (!goOn || (error instanceof CliError && error.kind === "interrupted")) throw error;
    context.terminal.failure(toCliError(error).message);
  }
}

async function runMeta(context: CommandContext, target: Target, line: string): Promise<void> {
  const [word, table] = line.replace(/;$/, "").split(/\s+/);
  if (word === ".tables") return runStatement(context, target, TABLES, true);
  if (word === ".schema") {
    const filter = table === undefined ? "" : " AND tbl_name = ?";
    const sql = `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL${filter} ORDER BY tbl_name, type DESC`;
    const { rows } = await queryDatabase({ ...target, sql, ...(table === undefined ? {} : { params: [table] }) });
    for (const [definition] of rows) context.terminal.line(`${String(definition)};`);
    return;
  }
  if (word !== ".help") context.terminal.failure(`There is no ${word}.`);
  for (const text of HELP) context.terminal.note(text);
}
