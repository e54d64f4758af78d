import { listSecretsResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { defineCommand } from "../../command/define-command.ts";
import { choice } from "../../command/option.ts";
import { formatAgo } from "../../output/format.ts";
import { renderPage } from "../list-page.ts";

export const secretsListCommand = defineCommand({
  name: "list",
  summary: "List the names of secrets; values are never shown",
  options: { env: choice("environment", "Only of this environment", ["staging", "production"], undefined) },
  examples: [{ command: "aerostack secrets list", explanation: "Of both environments" }],
  async run(context, { options }) {
    const project = await context.project();
    const api = await context.api();
    const answer = await api.call("GET", apiPath("projects", project.id, "secrets"), listSecretsResponseSchema, {
      query: { env: options.env },
    });
    return {
      data: answer,
      render: (terminal) =>
        renderPage(terminal, {
          columns: [{ title: "Name", paint: terminal.style.accent }, { title: "Environment" }, { title: "Changed" }],
          rows: answer.secrets.map(({ name, env, updatedAt }) => [
            name,
            env,
            formatAgo(updatedAt, context.surroundings.now()),
          ]),
          empty: "No secrets. Set one with `aerostack secrets set <name>`.",
        }),
    };
  },
});
