import { successSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { defineCommand } from "../../command/define-command.ts";
import { destroy } from "../destroy.ts";
import { dryRunOption, environmentOption } from "../shared-options.ts";

export const secretsDeleteCommand = defineCommand({
  name: "delete",
  summary: "Delete a secret",
  arguments: { name: required("Name of the secret") },
  options: { env: environmentOption, dryRun: dryRunOption },
  examples: [{ command: "aerostack secrets delete STRIPE_KEY --env staging", explanation: "From staging only" }],
  async run(context, { args: { name }, options: { env, dryRun } }) {
    const project = await context.project();
    const api = await context.api();
    return destroy(context, {
      verb: ["delete", "Deleting", "Deleted"],
      what: `secret ${name} of ${env} in ${project.slug}`,
      facts: { name, env, project: project.slug },
      dryRun,
      work: () =>
        api.call("DELETE", apiPath("projects", project.id, "secrets", name), successSchema, { query: { env } }),
    });
  },
});
