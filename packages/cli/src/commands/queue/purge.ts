import { purgedResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { defineCommand } from "../../command/define-command.ts";
import { plural } from "../../output/format.ts";
import { destroy } from "../destroy.ts";
import { dryRunOption } from "../shared-options.ts";

export const queuePurgeCommand = defineCommand({
  name: "purge",
  summary: "Delete all messages of a queue",
  arguments: { queue: required("Queue") },
  options: { dryRun: dryRunOption },
  examples: [{ command: "aerostack queue purge orders-dead --dry-run", explanation: "See first what would go" }],
  async run(context, { args: { queue }, options: { dryRun } }) {
    const project = await context.project();
    const api = await context.api();
    return destroy(context, {
      verb: ["delete", "Deleting", "Deleted"],
      what: `all messages of ${queue} in ${project.slug}`,
      facts: { queue, project: project.slug },
      dryRun,
      work: () =>
        api.call("DELETE", apiPath("projects", project.id, "queues", queue, "messages"), purgedResponseSchema),
      outcome: ({ purged }) => ({ facts: { purged }, text: `Deleted ${plural(purged, "message")} from ${queue}` }),
    });
  },
});
