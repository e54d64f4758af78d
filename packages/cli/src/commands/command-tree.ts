import type { HelpSection } from "../command/render-help.ts";
import { deployCommand } from "./deploy.ts";
import { logsCommand } from "./logs.ts";
import { rollbackCommand } from "./rollback.ts";
import { rolloutCommand } from "./rollout.ts";
import { versionsCommand } from "./versions.ts";

/** Every command, in the order in which the help shows them. */
export const COMMAND_SECTIONS: readonly HelpSection[] = [
  {
    title: "Deploy and watch",
    commands: [deployCommand, versionsCommand, rollbackCommand, rolloutCommand, logsCommand],
  },
];
