import { defineGroup } from "../../command/define-command.ts";
import { accountAvatarCommand } from "./avatar.ts";

export const accountGroup = defineGroup({
  name: "account",
  summary: "Your own account",
  commands: [accountAvatarCommand],
});
