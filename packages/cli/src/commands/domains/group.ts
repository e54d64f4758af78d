import { defineGroup } from "../../command/define-command.ts";
import { domainsAddCommand } from "./add.ts";
import { domainsListCommand } from "./list.ts";
import { domainsRemoveCommand } from "./remove.ts";
import { domainsVerifyCommand } from "./verify.ts";

export const domainsGroup = defineGroup({
  name: "domains",
  summary: "Domains of your own for a project's functions",
  commands: [domainsAddCommand, domainsListCommand, domainsVerifyCommand, domainsRemoveCommand],
});
