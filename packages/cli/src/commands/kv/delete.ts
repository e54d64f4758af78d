import { successSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { defineCommand } from "../../command/define-command.ts";
import { destroy } from "../destroy.ts";
import { dryRunOption, namespaceOption } from "../shared-options.ts";

export const kvDeleteCommand = defineCommand({
  name: "delete",
  summary: "Delete a key",
  arguments: { key: required("Key") },
  options: { namespace: namespaceOption, dryRun: dryRunOption },
  examples: [{ command: "aerostack kv delete session:42 --yes", explanation: "Without asking" }],
  async run(context, { args: { key }, options }) {
    const namespace = options.namespace ?? "default";
    const project = await context.project();
    const api = await context.api();
    return destroy(context, {
      verb: ["delete", "Deleting", "Deleted"],
      what: `${key} from ${namespace} in ${project.slug}`,
      facts: { key, namespace, project: project.slug },
      dryRun: options.dryRun,
      work: () => api.call("DELETE", apiPath("projects", project.id, "kv", namespace, "values", key), successSchema),
    });
  },
});
