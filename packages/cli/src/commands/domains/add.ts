import { domainResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { defineCommand } from "../../command/define-command.ts";
import { chosenFunction, functionOption } from "../shared-options.ts";

export const domainsAddCommand = defineCommand({
  name: "add",
  summary: "Add a domain, whose every path leads to one function",
  details: ["It is served once it is proven: put the record that is shown into the DNS, then verify the domain."],
  arguments: { domain: required("Full domain name, such as shop.example.com") },
  options: { function: functionOption },
  examples: [{ command: "aerostack domains add shop.example.com --function web", explanation: "Leads to web" }],
  async run(context, { args, options }) {
    const name = await chosenFunction(context, options.function);
    const project = await context.project();
    const api = await context.api();
    const { domain } = await api.call("POST", apiPath("projects", project.id, "domains"), domainResponseSchema, {
      json: { hostname: args.domain, routes: [{ path: "/", function: name }] },
    });
    return {
      data: { domain },
      render: (terminal) =>
        terminal.pairs([
          ["Domain", domain.hostname],
          ["Record", domain.proof.type],
          ["Name", domain.proof.name],
          ["Value", domain.proof.value],
        ]),
    };
  },
});
