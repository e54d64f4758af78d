import { listOrganisationMembersResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { defineCommand } from "../../command/define-command.ts";
import { formatAgo } from "../../output/format.ts";
import { printableLine } from "../../output/printable.ts";
import { renderPage } from "../list-page.ts";
import { cursorOption, limitOption } from "../shared-options.ts";
import { findOrganisation, organisationArgument } from "./find-organisation.ts";

export const orgsMembersCommand = defineCommand({
  name: "members",
  summary: "List an organisation's members",
  arguments: { organisation: organisationArgument },
  options: { limit: limitOption, cursor: cursorOption },
  examples: [{ command: "aerostack orgs members Engines", explanation: "With their roles" }],
  async run(context, { args, options: { limit, cursor } }) {
    const api = await context.api();
    const { id } = await findOrganisation(api, args.organisation);
    const path = apiPath("organisations", id, "members");
    const answer = await api.call("GET", path, listOrganisationMembersResponseSchema, { query: { limit, cursor } });
    return {
      data: answer,
      render: (terminal) =>
        renderPage(terminal, {
          columns: [
            { title: "E-mail", paint: terminal.style.accent },
            { title: "Name" },
            { title: "Role" },
            { title: "Joined" },
            { title: "Account", paint: terminal.style.dim },
          ],
          rows: answer.members.map(({ email, name, role, joinedAt, accountId }) => [
            email,
            printableLine(name ?? ""),
            role,
            formatAgo(joinedAt, context.surroundings.now()),
            accountId,
          ]),
          empty: "Nobody.",
          nextCursor: answer.nextCursor,
        }),
    };
  },
});
