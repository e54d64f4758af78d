import type { HelpSection } from "../command/render-help.ts";
import { dbGroup } from "./db/group.ts";
import { deployCommand } from "./deploy.ts";
import { keysGroup } from "./keys/group.ts";
import { kvGroup } from "./kv/group.ts";
import { logsCommand } from "./logs.ts";
import { projectsGroup } from "./projects/group.ts";
import { queueGroup } from "./queue/group.ts";
import { rollbackCommand } from "./rollback.ts";
import { rolloutCommand } from "./rollout.ts";
import { secretsGroup } from "./secrets/group.ts";
import { storageGroup } from "./storage/group.ts";
import { versionsCommand } from "./versions.ts";

/** Every command, in the order in which the help shows them. */
export const COMMAND_SECTIONS: readonly HelpSection[] = [
  {
    title: "Deploy and watch",
    commands: [deployCommand, versionsCommand, rollbackCommand, rolloutCommand, logsCommand],
  },
  { title: "What a project has", commands: [dbGroup, kvGroup, storageGroup, queueGroup, secretsGroup] },
  { title: "Account", commands: [projectsGroup, keysGroup] },
];
