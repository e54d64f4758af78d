import { defineGroup } from "../../command/define-command.ts";
import { firewallExceptCommand } from "./except.ts";
import { firewallHitsCommand } from "./hits.ts";
import { firewallModeCommand } from "./mode.ts";
import { firewallShowCommand } from "./show.ts";

export const firewallGroup = defineGroup({
  name: "firewall",
  summary: "What is done with attacks on a project",
  commands: [firewallShowCommand, firewallModeCommand, firewallExceptCommand, firewallHitsCommand],
});
