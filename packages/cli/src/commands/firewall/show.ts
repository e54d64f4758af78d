import { firewallResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { defineCommand } from "../../command/define-command.ts";
import { renderPage } from "../list-page.ts";

export const firewallShowCommand = defineCommand({
  name: "show",
  summary: "Show what a project's firewall does, and its exceptions",
  options: {},
  examples: [{ command: "aerostack firewall show", explanation: "The mode, and what is left out" }],
  async run(context) {
    const project = await context.project();
    const api = await context.api();
    const path = apiPath("projects", project.id, "firewall");
    const answer = await api.call("GET", path, firewallResponseSchema);
    const { mode, effectiveMode, inspectFunctionBodies, exceptions } = answer.firewall;
    return {
      data: answer,
      render(terminal) {
        const shown = mode === null ? `${effectiveMode} (as the installation does)` : mode;
        terminal.line(inspectFunctionBodies ? `${shown}, bodies of functions too` : shown);
        renderPage(terminal, {
          columns: [
            { title: "Exception", paint: terminal.style.accent },
            { title: "Rule" },
            { title: "Path" },
            { title: "Parameter" },
          ],
          rows: exceptions.map(({ id, rule, pathPrefix, parameter }) => [
            id,
            rule === null ? "every" : String(rule),
            pathPrefix ?? "every",
            parameter ?? "every",
          ]),
          empty: "No exceptions.",
        });
      },
    };
  },
});
