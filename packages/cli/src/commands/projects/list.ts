import { listProjectsResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { defineCommand } from "../../command/define-command.ts";
import { formatAgo } from "../../output/format.ts";
import { printableLine } from "../../output/printable.ts";
import { renderPage } from "../list-page.ts";
import { cursorOption, limitOption } from "../shared-options.ts";

export const projectsListCommand = defineCommand({
  name: "list",
  summary: "List your projects",
  options: { limit: limitOption, cursor: cursorOption },
  examples: [{ command: "aerostack projects list", explanation: "All projects of the account" }],
  async run(context, { options }) {
    const api = await context.api();
    const { limit, cursor } = options;
    const answer = await api.call("GET", apiPath("projects"), listProjectsResponseSchema, { query: { limit, cursor } });
    return {
      data: answer,
      render: (terminal) =>
        renderPage(terminal, {
          columns: [
            { title: "Slug", paint: terminal.style.accent },
            { title: "Name" },
            { title: "Created" },
            { title: "Id", paint: terminal.style.dim },
          ],
          rows: answer.projects.map(({ slug, name, createdAt, id }) => [
            slug,
            printableLine(name),
            formatAgo(createdAt, context.surroundings.now()),
            id,
          ]),
          empty: "No projects yet. `aerostack init` creates the files of one, `aerostack deploy` the project.",
          nextCursor: answer.nextCursor,
        }),
    };
  },
});
