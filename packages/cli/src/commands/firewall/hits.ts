import { listFirewallHitsResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { defineCommand } from "../../command/define-command.ts";
import { printableLine } from "../../output/printable.ts";
import { renderPage } from "../list-page.ts";
import { cursorOption, limitOption } from "../shared-options.ts";

export const firewallHitsCommand = defineCommand({
  name: "hits",
  summary: "List the attacks that a project's firewall found",
  details: ["Hits of a day that are alike are one line with their number. They are kept for 30 days."],
  options: { limit: limitOption, cursor: cursorOption },
  examples: [{ command: "aerostack firewall hits", explanation: "The newest first" }],
  async run(context, { options: { limit, cursor } }) {
    const project = await context.project();
    const api = await context.api();
    const path = apiPath("projects", project.id, "firewall", "hits");
    const answer = await api.call("GET", path, listFirewallHitsResponseSchema, { query: { limit, cursor } });
    return {
      data: answer,
      render: (terminal) =>
        renderPage(terminal, {
          columns: [
            { title: "Day" },
            { title: "Times", align: "right" },
            { title: "Action" },
            { title: "Rule", paint: terminal.style.accent },
            { title: "What it finds" },
            { title: "Path" },
            { title: "Parameter" },
          ],
          rows: answer.hits.map((hit) => [
            hit.day,
            String(hit.count),
            hit.action,
            String(hit.rule),
            hit.ruleName ?? "",
            hit.path === null ? "(many)" : printableLine(hit.path),
            printableLine(hit.parameter ?? ""),
          ]),
          empty: "No hits.",
          nextCursor: answer.nextCursor,
        }),
    };
  },
});
