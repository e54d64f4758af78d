import { listDomainsResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { defineCommand } from "../../command/define-command.ts";
import { renderPage } from "../list-page.ts";
import { cursorOption, limitOption } from "../shared-options.ts";

export const domainsListCommand = defineCommand({
  name: "list",
  summary: "List a project's domains",
  options: { limit: limitOption, cursor: cursorOption },
  examples: [{ command: "aerostack domains list", explanation: "With what they lead to" }],
  async run(context, { options: { limit, cursor } }) {
    const project = await context.project();
    const api = await context.api();
    const path = apiPath("projects", project.id, "domains");
    const answer = await api.call("GET", path, listDomainsResponseSchema, { query: { limit, cursor } });
    return {
      data: answer,
      render: (terminal) =>
        renderPage(terminal, {
          columns: [
            { title: "Domain", paint: terminal.style.accent },
            { title: "Status" },
            { title: "Certificate" },
            { title: "Leads to" },
          ],
          rows: answer.domains.map(({ hostname, status, certificate, routes }) => [
            hostname,
            status,
            certificate.status,
            routes.map((route) => `${route.path} → ${route.function}`).join(", "),
          ]),
          empty: "No domains. Add one with `aerostack domains add <domain>`.",
          nextCursor: answer.nextCursor,
        }),
    };
  },
});
