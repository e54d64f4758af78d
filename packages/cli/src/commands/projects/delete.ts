import { projectResponseSchema, successSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { defineCommand } from "../../command/define-command.ts";
import { destroy } from "../destroy.ts";
import { dryRunOption } from "../shared-options.ts";

export const projectsDeleteCommand = defineCommand({
  name: "delete",
  summary: "Delete a project with everything in it",
  details: ["Its functions, databases, keys, queues and files are gone for good."],
  arguments: { project: required("Slug or id of the project") },
  options: { dryRun: dryRunOption },
  examples: [
    { command: "aerostack projects delete my-shop --dry-run", explanation: "See first which project is meant" },
  ],
  async run(context, { args, options: { dryRun } }) {
    const api = await context.api();
    const path = apiPath("projects", args.project);
    const { project } = await api.call("GET", path, projectResponseSchema);
    return destroy(context, {
      verb: ["delete", "Deleting", "Deleted"],
      what: `project ${project.slug} with its functions, databases and files`,
      facts: { project: { id: project.id, slug: project.slug, name: project.name } },
      dryRun,
      work: () => api.call("DELETE", path, successSchema, { query: { confirm: project.slug } }),
    });
  },
});
