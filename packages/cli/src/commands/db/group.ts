import { defineGroup } from "../../command/define-command.ts";
import { dbExportCommand } from "./export.ts";
import { dbImportCommand } from "./import.ts";
import { dbMigrateCommand } from "./migrate.ts";
import { dbQueryCommand } from "./query.ts";
import { dbShellCommand } from "./shell.ts";

export const dbGroup = defineGroup({
  name: "db",
  summary: "The SQL databases that functions know as DB",
  commands: [dbQueryCommand, dbShellCommand, dbMigrateCommand, dbExportCommand, dbImportCommand],
});
