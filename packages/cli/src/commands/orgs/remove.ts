import { successSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { defineCommand } from "../../command/define-command.ts";
import { destroy } from "../destroy.ts";
import { dryRunOption } from "../shared-options.ts";
import { findMember, findOrganisation, memberArgument, organisationArgument } from "./find-organisation.ts";

export const orgsRemoveCommand = defineCommand({
  name: "remove",
  summary: "Take a member out of an organisation",
  arguments: { organisation: organisationArgument, member: memberArgument },
  options: { dryRun: dryRunOption },
  examples: [{ command: "aerostack orgs remove Engines ada@example.com", explanation: "What they have open ends" }],
  async run(context, { args, options: { dryRun } }) {
    const api = await context.api();
    const organisation = await findOrganisation(api, args.organisation);
    const accountId = await findMember(api, organisation, args.member);
    const { id, name } = organisation;
    return destroy(context, {
      verb: ["remove", "Removing", "Removed"],
      what: `${args.member} from ${name}`,
      facts: { organisation: { id, name }, member: accountId },
      dryRun,
      work: () => api.call("DELETE", apiPath("organisations", id, "members", accountId), successSchema),
    });
  },
});
