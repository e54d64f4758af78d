import { ownershipOfferResponseSchema, successSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { optional } from "../../command/argument.ts";
import { usageError } from "../../command/cli-error.ts";
import { defineCommand } from "../../command/define-command.ts";
import { flag } from "../../command/option.ts";
import { findMember, findOrganisation, organisationArgument } from "./find-organisation.ts";

export const orgsTransferCommand = defineCommand({
  name: "transfer",
  summary: "Offer an organisation to a member, or answer such an offer",
  details: ["Without a member, shows the offer that is open. The member accepts within seven days."],
  arguments: {
    organisation: organisationArgument,
    member: optional("E-mail address or account id of the member who shall own it"),
  },
  options: {
    keepOwnership: flag("Stay an owner, too; an admin otherwise"),
    accept: flag("Accept the offer that was made to you"),
    cancel: flag("Decline it, or take your own back"),
  },
  examples: [
    { command: "aerostack orgs transfer Engines ada@example.com", explanation: "Offers it" },
    { command: "aerostack orgs transfer Engines --accept", explanation: "As ada@example.com" },
  ],
  async run(context, { args, options: { keepOwnership, accept, cancel } }) {
    if ([args.member !== undefined, accept, cancel].filter(Boolean).length > 1) {
      throw usageError("A member, --accept and --cancel exclude each other.");
    }
    const api = await context.api();
    const organisation = await findOrganisation(api, args.organisation);
    const { id, name } = organisation;
    const path = apiPath("organisations", id, "ownership-offer");
    if (accept) {
      await context.confirm(`Become the owner of ${name}?`);
      const answer = await context.terminal.step(
        `Accepting ${name}`,
        () => api.call("POST", `${path}/accept`, successSchema),
        () => `You own ${name}`,
      );
      return { data: answer, render: () => {} };
    }
    if (cancel) {
      const answer = await context.terminal.step(
        "Ending the offer",
        () => api.call("DELETE", path, successSchema),
        () => `There is no offer of ${name} any more`,
      );
      return { data: answer, render: () => {} };
    }
    if (args.member !== undefined) {
      const member = await findMember(api, organisation, args.member);
      await context.confirm(`Offer ${name} to ${args.member}?`);
      const answer = await context.terminal.step(
        `Offering ${name} to ${args.member}`,
        () => api.call("POST", path, ownershipOfferResponseSchema, { json: { member, keepOwnership } }),
        () => `Offered ${name} to ${args.member}, who accepts with \`aerostack orgs transfer ${id} --accept\``,
      );
      return { data: answer, render: () => {} };
    }
    const answer = await api.call("GET", path, ownershipOfferResponseSchema);
    const { offer } = answer;
    return {
      data: answer,
      render(terminal) {
        if (offer === null) terminal.note("There is no offer.");
        else
          terminal.pairs([
            ["Offered to", offer.toAccountId],
            ["Until", offer.expiresAt],
          ]);
      },
    };
  },
});
