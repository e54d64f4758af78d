import { resolve } from "node:path";
import { defineCommand } from "../../command/define-command.ts";
import { flag, text } from "../../command/option.ts";
import { plural } from "../../output/format.ts";
import { renderDiff } from "../../output/render-diff.ts";
import { applyMigrations, planMigrations, readMigrations } from "../../project/migrations.ts";
import { chosenDatabase, databaseOption, dryRunOption } from "../shared-options.ts";

export const dbMigrateCommand = defineCommand({
  name: "migrate",
  summary: "Apply the migrations that a database has not seen yet",
  details: [
    "Reads migrations/*.sql in order of their names. Each is applied once, in a transaction of its own; the database remembers its name and content.",
    "Nothing is applied where a file was changed after it was applied, or where something that migrations made was changed by other means: the difference is shown. --accept-drift takes the schema as it is now.",
  ],
  options: {
    database: databaseOption,
    dir: text("folder", "Folder of the migrations"),
    acceptDrift: flag("Take what was changed outside migrations as the new state"),
    dryRun: dryRunOption,
  },
  examples: [
    { command: "aerostack db migrate --dry-run", explanation: "What would be applied" },
    { command: "aerostack db migrate", explanation: "Apply it" },
  ],
  async run(context, { options }) {
    const { cwd } = context.surroundings;
    const config = await context.config();
    const directory =
      options.dir === undefined
        ? (config?.migrationsDirectory ?? resolve(cwd, "migrations"))
        : resolve(cwd, options.dir);
    const migrations = await readMigrations(directory);
    const database = await chosenDatabase(context, options.database);
    if (migrations.length === 0) {
      return {
        data: { database, applied: [], pending: [] },
        render: (terminal) => terminal.note(`There are no *.sql files in ${directory}.`),
      };
    }
    const project = await context.project();
    const target = { api: await context.api(), projectId: project.id, database, migrations };
    if (options.dryRun) {
      const { pending, missing, drift } = await planMigrations(target);
      return {
        data: { dryRun: true, database, applied: [], pending, missing, drift },
        render(terminal) {
          if (pending.length === 0) terminal.note(`Database ${database} is up to date.`);
          for (const name of pending) terminal.line(`Would apply ${name}`);
          for (const name of missing) terminal.warn(`${name} was applied and is not in ${directory}.`);
          if (drift === null) return;
          terminal.warn("The schema was changed outside migrations:");
          renderDiff(terminal, drift);
        },
      };
    }
    const applied = await context.terminal.step(
      `Applying migrations to ${database}`,
      () => applyMigrations(target, options.acceptDrift),
      (names) =>
        names.length === 0
          ? `Database ${database} is up to date`
          : `Applied ${plural(names.length, "migration")} to database ${database}`,
    );
    return {
      data: { database, applied, pending: [] },
      render(terminal) {
        for (const name of applied) terminal.line(`  ${name}`);
      },
    };
  },
});
