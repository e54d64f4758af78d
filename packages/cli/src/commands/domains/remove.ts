import { successSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { defineCommand } from "../../command/define-command.ts";
import { destroy } from "../destroy.ts";
import { dryRunOption } from "../shared-options.ts";

export const domainsRemoveCommand = defineCommand({
  name: "remove",
  summary: "Remove a domain",
  arguments: { domain: required("Name of the domain") },
  options: { dryRun: dryRunOption },
  examples: [{ command: "aerostack domains remove shop.example.com", explanation: "Served no more within a second" }],
  async run(context, { args: { domain }, options: { dryRun } }) {
    const project = await context.project();
    const api = await context.api();
    return destroy(context, {
      verb: ["remove", "Removing", "Removed"],
      what: `domain ${domain} of ${project.slug}`,
      facts: { domain, project: project.slug },
      dryRun,
      work: () => api.call("DELETE", apiPath("projects", project.id, "domains", domain), successSchema),
    });
  },
});
