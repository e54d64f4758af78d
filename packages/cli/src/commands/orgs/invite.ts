import { createInvitationResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { defineCommand } from "../../command/define-command.ts";
import { text } from "../../command/option.ts";
import { findOrganisation, organisationArgument } from "./find-organisation.ts";

const DEFAULT_ROLE = "developer";

export const orgsInviteCommand = defineCommand({
  name: "invite",
  summary: "Invite somebody to an organisation",
  details: ["They get a mail, and you the same link. Only an account of that address can use it."],
  arguments: { organisation: organisationArgument, email: required("E-mail address of who is invited") },
  options: { role: text("role", `Built-in role, or id of a custom one; by default ${DEFAULT_ROLE}`) },
  examples: [{ command: "aerostack orgs invite Engines ada@example.com --role admin", explanation: "Prints the link" }],
  async run(context, { args, options: { role } }) {
    const api = await context.api();
    const { id, name } = await findOrganisation(api, args.organisation);
    const json = { email: args.email, role: role ?? DEFAULT_ROLE };
    const answer = await context.terminal.step(
      `Inviting ${args.email}`,
      () => api.call("POST", apiPath("organisations", id, "invitations"), createInvitationResponseSchema, { json }),
      ({ invitation }) => `Invited ${invitation.email} to ${name} as ${invitation.role}. The link is shown this once:`,
    );
    return { data: answer, render: (terminal) => terminal.line(answer.link) };
  },
});
