import { successSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { defineCommand } from "../../command/define-command.ts";
import { destroy } from "../destroy.ts";
import { dryRunOption } from "../shared-options.ts";
import { findOrganisation, organisationArgument } from "./find-organisation.ts";

export const orgsDeleteCommand = defineCommand({
  name: "delete",
  summary: "Delete an organisation that has no projects",
  arguments: { organisation: organisationArgument },
  options: { dryRun: dryRunOption },
  examples: [{ command: "aerostack orgs delete Engines", explanation: "Its members keep their accounts" }],
  async run(context, { args, options: { dryRun } }) {
    const api = await context.api();
    const { id, name } = await findOrganisation(api, args.organisation);
    return destroy(context, {
      verb: ["delete", "Deleting", "Deleted"],
      what: `organisation ${name}`,
      facts: { organisation: { id, name } },
      dryRun,
      work: () => api.call("DELETE", apiPath("organisations", id), successSchema),
    });
  },
});
