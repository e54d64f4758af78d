import { listOrganisationsResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { defineCommand } from "../../command/define-command.ts";
import { printableLine } from "../../output/printable.ts";
import { renderPage } from "../list-page.ts";
import { cursorOption, limitOption } from "../shared-options.ts";

export const orgsListCommand = defineCommand({
  name: "list",
  summary: "List your organisations",
  options: { limit: limitOption, cursor: cursorOption },
  examples: [{ command: "aerostack orgs list", explanation: "With what you are there" }],
  async run(context, { options: { limit, cursor } }) {
    const api = await context.api();
    const query = { limit, cursor };
    const answer = await api.call("GET", apiPath("organisations"), listOrganisationsResponseSchema, { query });
    return {
      data: answer,
      render: (terminal) =>
        renderPage(terminal, {
          columns: [
            { title: "Name", paint: terminal.style.accent },
            { title: "Your role" },
            { title: "Kind" },
            { title: "Id", paint: terminal.style.dim },
          ],
          rows: answer.organisations.map(({ name, role, isPersonal, id }) => [
            printableLine(name),
            role,
            isPersonal ? "your own" : "shared",
            id,
          ]),
          empty: "No organisations. Make one with `aerostack orgs create <name>`.",
          nextCursor: answer.nextCursor,
        }),
    };
  },
});
