import { successSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { defineCommand } from "../../command/define-command.ts";
import { destroy } from "../destroy.ts";
import { dryRunOption } from "../shared-options.ts";

export const collectionsDeleteCommand = defineCommand({
  name: "delete",
  summary: "Delete a collection with all its items",
  arguments: { name: required("Collection") },
  options: { dryRun: dryRunOption },
  examples: [{ command: "aerostack collections delete drafts", explanation: "Asks before it deletes" }],
  async run(context, { args, options }) {
    const project = await context.project();
    const api = await context.api();
    return destroy(context, {
      verb: ["delete", "Deleting", "Deleted"],
      what: `collection ${args.name} of ${project.slug} with its items`,
      facts: { collection: args.name, project: project.slug },
      dryRun: options.dryRun,
      work: () =>
        api.call("DELETE", apiPath("projects", project.id, "collections", args.name), successSchema, {
          query: { confirm: args.name },
        }),
    });
  },
});
