import { organisationResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { defineCommand } from "../../command/define-command.ts";

export const orgsCreateCommand = defineCommand({
  name: "create",
  summary: "Create an organisation, which you own",
  arguments: { name: required("Name of the organisation") },
  examples: [{ command: 'aerostack orgs create "Analytical Engines"', explanation: "Invite others next" }],
  async run(context, { args: { name } }) {
    const api = await context.api();
    const answer = await context.terminal.step(
      `Creating ${name}`,
      () => api.call("POST", apiPath("organisations"), organisationResponseSchema, { json: { name } }),
      ({ organisation }) => `Created ${organisation.name}`,
    );
    return { data: answer, render: (terminal) => terminal.line(answer.organisation.id) };
  },
});
