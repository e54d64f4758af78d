import { defineGroup } from "../../command/define-command.ts";
import { abuseBlockCommand } from "./block.ts";
import { abuseBlocksCommand } from "./blocks.ts";
import { abuseListCommand } from "./list.ts";
import { abuseUnblockCommand } from "./unblock.ts";

export const abuseGroup = defineGroup({
  name: "abuse",
  summary: "What looks like abuse, and who is kept out",
  commands: [abuseListCommand, abuseBlockCommand, abuseUnblockCommand, abuseBlocksCommand],
});
