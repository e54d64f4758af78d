import { defineGroup } from "../../command/define-command.ts";
import { orgsCreateCommand } from "./create.ts";
import { orgsDeleteCommand } from "./delete.ts";
import { orgsInviteCommand } from "./invite.ts";
import { orgsJoinCommand } from "./join.ts";
import { orgsLeaveCommand } from "./leave.ts";
import { orgsListCommand } from "./list.ts";
import { orgsMembersCommand } from "./members.ts";
import { orgsProjectsCommand } from "./projects.ts";
import { orgsRemoveCommand } from "./remove.ts";
import { orgsRoleCommand } from "./role.ts";
import { orgsSsoCommand } from "./sso.ts";
import { orgsTransferCommand } from "./transfer.ts";

export const orgsGroup = defineGroup({
  name: "orgs",
  summary: "Organisations: who works together, and as what",
  commands: [
    orgsListCommand,
    orgsCreateCommand,
    orgsMembersCommand,
    orgsInviteCommand,
    orgsJoinCommand,
    orgsRoleCommand,
    orgsRemoveCommand,
    orgsTransferCommand,
    orgsProjectsCommand,
    orgsSsoCommand,
    orgsLeaveCommand,
    orgsDeleteCommand,
  ],
});
