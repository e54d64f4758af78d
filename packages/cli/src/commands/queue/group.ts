import { defineGroup } from "../../command/define-command.ts";
import { queueListCommand } from "./list.ts";
import { queuePeekCommand } from "./peek.ts";
import { queuePurgeCommand } from "./purge.ts";
import { queueRedriveCommand } from "./redrive.ts";
import { queueSendCommand } from "./send.ts";

export const queueGroup = defineGroup({
  name: "queue",
  summary: "The queues that functions send to as QUEUE",
  commands: [queueListCommand, queueSendCommand, queuePeekCommand, queueRedriveCommand, queuePurgeCommand],
});
