import { domainResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { defineCommand } from "../../command/define-command.ts";

export const domainsVerifyCommand = defineCommand({
  name: "verify",
  summary: "Look for a domain's proof in the DNS, and serve the domain",
  arguments: { domain: required("Name of the domain") },
  examples: [{ command: "aerostack domains verify shop.example.com", explanation: "Once its record is in the DNS" }],
  async run(context, { args }) {
    const project = await context.project();
    const api = await context.api();
    const path = apiPath("projects", project.id, "domains", args.domain, "verify");
    const { domain } = await context.terminal.step(
      `Verifying ${args.domain}`,
      () => api.call("POST", path, domainResponseSchema),
      ({ domain: proven }) => `${proven.hostname} is served for ${project.slug}`,
    );
    return { data: { domain }, render: () => {} };
  },
});
