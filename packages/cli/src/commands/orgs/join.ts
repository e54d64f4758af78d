import { invitationDetailsSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { defineCommand } from "../../command/define-command.ts";

export const orgsJoinCommand = defineCommand({
  name: "join",
  summary: "Accept an invitation to an organisation",
  details: ["Asks first, unless --yes is given: in an organisation others see your name and e-mail address."],
  arguments: { invitation: required("The link of the invitation, or the token in it") },
  examples: [{ command: "aerostack orgs join 'https://…/invitations#token=…'", explanation: "As the mail says it" }],
  async run(context, { args }) {
    const api = await context.api();
    const json = { token: /token=(\w+)/.exec(args.invitation)?.[1] ?? args.invitation };
    const { organisation, roleName } = await api.call("POST", apiPath("invitations", "show"), invitationDetailsSchema, {
      json,
    });
    await context.confirm(`Join ${organisation.name} as ${roleName}?`);
    const answer = await context.terminal.step(
      `Joining ${organisation.name}`,
      () => api.call("POST", apiPath("invitations", "accept"), invitationDetailsSchema, { json }),
      () => `Joined ${organisation.name} as ${roleName}`,
    );
    return { data: answer, render: () => {} };
  },
});
