import { listProjectsResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { defineCommand } from "../../command/define-command.ts";
import { printableLine } from "../../output/printable.ts";
import { renderPage } from "../list-page.ts";
import { cursorOption, limitOption } from "../shared-options.ts";
import { findOrganisation, organisationArgument } from "./find-organisation.ts";

export const orgsProjectsCommand = defineCommand({
  name: "projects",
  summary: "List an organisation's projects",
  arguments: { organisation: organisationArgument },
  options: { limit: limitOption, cursor: cursorOption },
  examples: [{ command: "aerostack orgs projects Engines", explanation: "Those that you may see" }],
  async run(context, { args, options: { limit, cursor } }) {
    const api = await context.api();
    const { id, name } = await findOrganisation(api, args.organisation);
    const query = { organisation: id, limit, cursor };
    const answer = await api.call("GET", apiPath("projects"), listProjectsResponseSchema, { query });
    return {
      data: answer,
      render: (terminal) =>
        renderPage(terminal, {
          columns: [
            { title: "Slug", paint: terminal.style.accent },
            { title: "Name" },
            { title: "Id", paint: terminal.style.dim },
          ],
          rows: answer.projects.map((project) => [project.slug, printableLine(project.name), project.id]),
          empty: `${name} has no projects that you see.`,
          nextCursor: answer.nextCursor,
        }),
    };
  },
});
