import { anything } from "../../api/answers.ts";
import { required } from "../../command/argument.ts";
import { defineCommand } from "../../command/define-command.ts";
import { destroy } from "../destroy.ts";
import { bucketOption, dryRunOption } from "../shared-options.ts";
import { objectPath } from "./object-path.ts";

export const storageDeleteCommand = defineCommand({
  name: "delete",
  summary: "Delete an object",
  arguments: { key: required("Key of the object") },
  options: { bucket: bucketOption, dryRun: dryRunOption },
  examples: [{ command: "aerostack storage delete images/logo.png --yes", explanation: "Without asking" }],
  async run(context, { args: { key }, options }) {
    const bucket = options.bucket ?? "default";
    const project = await context.project();
    const api = await context.api();
    return destroy(context, {
      verb: ["delete", "Deleting", "Deleted"],
      what: `${key} from ${bucket} in ${project.slug}`,
      facts: { key, bucket, project: project.slug },
      dryRun: options.dryRun,
      work: () => api.call("DELETE", objectPath(project.id, bucket, key), anything),
    });
  },
});
