import type { HelpSection } from "../command/render-help.ts";
import { abuseGroup } from "./abuse/group.ts";
import { accountGroup } from "./account/group.ts";
import { auditGroup } from "./audit/group.ts";
import { collectionsGroup } from "./collections/group.ts";
import { dbGroup } from "./db/group.ts";
import { deployCommand } from "./deploy.ts";
import { devCommand } from "./dev.ts";
import { doctorCommand } from "./doctor.ts";
import { domainsGroup } from "./domains/group.ts";
import { firewallGroup } from "./firewall/group.ts";
import { generateGroup } from "./generate/group.ts";
import { initCommand } from "./init.ts";
import { keysGroup } from "./keys/group.ts";
import { kvGroup } from "./kv/group.ts";
import { legalGroup } from "./legal/group.ts";
import { linkCommand } from "./link.ts";
import { loginCommand } from "./login.ts";
import { logoutCommand } from "./logout.ts";
import { logsCommand } from "./logs.ts";
import { openCommand } from "./open.ts";
import { orgsGroup } from "./orgs/group.ts";
import { outboxGroup } from "./outbox/group.ts";
import { projectsGroup } from "./projects/group.ts";
import { queueGroup } from "./queue/group.ts";
import { rollbackCommand } from "./rollback.ts";
import { rolloutCommand } from "./rollout.ts";
import { secretsGroup } from "./secrets/group.ts";
import { startCommand } from "./start.ts";
import { storageGroup } from "./storage/group.ts";
import { versionsCommand } from "./versions.ts";
import { whoamiCommand } from "./whoami.ts";

/** Every command, in the order in which the help shows them. */
export const COMMAND_SECTIONS: readonly HelpSection[] = [
  { title: "Begin", commands: [startCommand, loginCommand, initCommand, devCommand] },
  {
    title: "Deploy and watch",
    commands: [deployCommand, versionsCommand, rollbackCommand, rolloutCommand, logsCommand, openCommand],
  },
  {
    title: "What a project has",
    commands: [
      dbGroup,
      collectionsGroup,
      generateGroup,
      kvGroup,
      storageGroup,
      queueGroup,
      outboxGroup,
      secretsGroup,
      domainsGroup,
      firewallGroup,
    ],
  },
  {
    title: "Account and set-up",
    commands: [
      projectsGroup,
      orgsGroup,
      keysGroup,
      accountGroup,
      auditGroup,
      linkCommand,
      whoamiCommand,
      logoutCommand,
      doctorCommand,
    ],
  },
  { title: "Run an installation", commands: [abuseGroup, legalGroup] },
];
