import { defineGroup } from "../../command/define-command.ts";
import { supportCloseCommand } from "./close.ts";
import { supportListCommand } from "./list.ts";
import { supportReplyCommand } from "./reply.ts";
import { supportShowCommand } from "./show.ts";

export const supportGroup = defineGroup({
  name: "support",
  summary: "What people write to those who run the installation; for admins",
  commands: [supportListCommand, supportShowCommand, supportReplyCommand, supportCloseCommand],
});
