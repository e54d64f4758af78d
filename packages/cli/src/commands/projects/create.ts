import { projectResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { defineCommand } from "../../command/define-command.ts";

export const projectsCreateCommand = defineCommand({
  name: "create",
  summary: "Create a project",
  arguments: { name: required("Name of the project") },
  examples: [{ command: 'aerostack projects create "My shop"', explanation: "Its slug is made from the name" }],
  async run(context, { args }) {
    const api = await context.api();
    const { project } = await context.terminal.step(
      `Creating ${args.name}`,
      () => api.call("POST", apiPath("projects"), projectResponseSchema, { json: { name: args.name } }),
      ({ project: created }) => `Created project ${created.slug}`,
    );
    return {
      data: { project },
      render: (terminal) =>
        terminal.pairs([
          ["Slug", project.slug],
          ["Id", project.id],
          ["URL", project.url],
        ]),
    };
  },
});
