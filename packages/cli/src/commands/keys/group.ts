import { defineGroup } from "../../command/define-command.ts";
import { keysCreateCommand } from "./create.ts";
import { keysListCommand } from "./list.ts";
import { keysRevokeCommand } from "./revoke.ts";
import { keysRotateCommand } from "./rotate.ts";

export const keysGroup = defineGroup({
  name: "keys",
  summary: "Keys that callers of a project use, and those of your account",
  commands: [keysListCommand, keysCreateCommand, keysRotateCommand, keysRevokeCommand],
});
