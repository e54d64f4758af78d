import { defineGroup } from "../../command/define-command.ts";
import { queueCancelCommand } from "./cancel.ts";
import { queueEndpointCommand } from "./endpoint.ts";
import { queueJobsCommand } from "./jobs.ts";
import { queueListCommand } from "./list.ts";
import { queuePeekCommand } from "./peek.ts";
import { queuePurgeCommand } from "./purge.ts";
import { queueRedriveCommand } from "./redrive.ts";
import { queueSendCommand } from "./send.ts";

export const queueGroup = defineGroup({
  name: "queue",
  summary: "The queues that functions send to as QUEUE, and the jobs in them",
  commands: [
    queueListCommand,
    queueSendCommand,
    queuePeekCommand,
    queueJobsCommand,
    queueCancelCommand,
    queueEndpointCommand,
    queueRedriveCommand,
    queuePurgeCommand,
  ],
});
