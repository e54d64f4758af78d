import { successSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { defineCommand } from "../../command/define-command.ts";
import { destroy } from "../destroy.ts";
import { dryRunOption } from "../shared-options.ts";
import { findOrganisation, organisationArgument } from "./find-organisation.ts";

export const orgsLeaveCommand = defineCommand({
  name: "leave",
  summary: "Leave an organisation",
  details: ["Its last owner cannot: hand it over first, or delete it."],
  arguments: { organisation: organisationArgument },
  options: { dryRun: dryRunOption },
  examples: [{ command: "aerostack orgs leave Engines", explanation: "Its projects are none of yours then" }],
  async run(context, { args, options: { dryRun } }) {
    const api = await context.api();
    const { id, name } = await findOrganisation(api, args.organisation);
    return destroy(context, {
      verb: ["leave", "Leaving", "Left"],
      what: `organisation ${name}`,
      facts: { organisation: { id, name } },
      dryRun,
      work: () => api.call("POST", apiPath("organisations", id, "leave"), successSchema),
    });
  },
});
