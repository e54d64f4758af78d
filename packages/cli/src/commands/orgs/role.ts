import { organisationMemberResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { defineCommand } from "../../command/define-command.ts";
import { findMember, findOrganisation, memberArgument, organisationArgument } from "./find-organisation.ts";

export const orgsRoleCommand = defineCommand({
  name: "role",
  summary: "Give a member another role",
  arguments: {
    organisation: organisationArgument,
    member: memberArgument,
    role: required("admin, developer, billing, viewer, owner, or the id of a custom role"),
  },
  examples: [{ command: "aerostack orgs role Engines ada@example.com admin", explanation: "In force at once" }],
  async run(context, { args }) {
    const api = await context.api();
    const organisation = await findOrganisation(api, args.organisation);
    const member = await findMember(api, organisation, args.member);
    const path = apiPath("organisations", organisation.id, "members", member);
    const answer = await context.terminal.step(
      `Changing the role of ${args.member}`,
      () => api.call("PATCH", path, organisationMemberResponseSchema, { json: { role: args.role } }),
      ({ member: changed }) => `${changed.email} is ${changed.role} in ${organisation.name}`,
    );
    return { data: answer, render: () => {} };
  },
});
