import { movedResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { defineCommand } from "../../command/define-command.ts";
import { text } from "../../command/option.ts";
import { plural } from "../../output/format.ts";
import { destroy } from "../destroy.ts";
import { dryRunOption } from "../shared-options.ts";

export const queueRedriveCommand = defineCommand({
  name: "redrive",
  summary: "Move dead letters back to be delivered again",
  arguments: { queue: required("Dead-letter queue") },
  options: {
    to: text("name", "Queue to move to; by default the one whose dead letters these are"),
    dryRun: dryRunOption,
  },
  examples: [{ command: "aerostack queue redrive orders-dead --yes", explanation: "Once the consumer is mended" }],
  async run(context, { args: { queue }, options: { to, dryRun } }) {
    const project = await context.project();
    const api = await context.api();
    return destroy(context, {
      verb: ["move", "Moving", "Moved"],
      what: `the messages of ${queue} in ${project.slug} back${to === undefined ? "" : ` to ${to}`}`,
      facts: { queue, to: to ?? null, project: project.slug },
      dryRun,
      work: () =>
        api.call("POST", apiPath("projects", project.id, "queues", queue, "redrive"), movedResponseSchema, {
          json: to === undefined ? {} : { to },
        }),
      outcome: ({ moved }) => ({ facts: { moved }, text: `Moved ${plural(moved, "message")} from ${queue}` }),
    });
  },
});
