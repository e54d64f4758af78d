import { type FunctionVersionDetails, listVersionsResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../api/api-client.ts";
import { defineCommand } from "../command/define-command.ts";
import { formatAgo, formatBytes } from "../output/format.ts";
import { printableLine } from "../output/printable.ts";
import { renderPage } from "./list-page.ts";
import { chosenFunction, cursorOption, environmentOption, functionOption, limitOption } from "./shared-options.ts";

export const versionsCommand = defineCommand({
  name: "versions",
  summary: "List a function's versions and which of them serve",
  options: { function: functionOption, env: environmentOption, limit: limitOption, cursor: cursorOption },
  examples: [
    { command: "aerostack versions --env staging", explanation: "What was deployed to staging, newest first" },
  ],
  async run(context, { options }) {
    const name = await chosenFunction(context, options.function);
    const project = await context.project();
    const api = await context.api();
    const path = apiPath("projects", project.id, "functions", name, "versions");
    const { versions, nextCursor } = await api.call("GET", path, listVersionsResponseSchema, {
      query: { env: options.env },
    });
    return {
      data: { versions, nextCursor },
      render(terminal) {
        renderPage(terminal, {
          columns: [
            { title: "Version", align: "right", paint: terminal.style.accent },
            { title: "Serves" },
            { title: "Deployed" },
            { title: "Size", align: "right" },
            { title: "Message" },
          ],
          rows: versions.map((version) => [
            String(version.number),
            share(version, options.env),
            formatAgo(version.createdAt, context.surroundings.now()),
            formatBytes(version.sizeBytes),
            printableLine(version.message ?? ""),
          ]),
          nextCursor,
          empty: `${name} has no versions in ${options.env}.`,
        });
      },
    };
  },
});

function share({ active }: FunctionVersionDetails, env: string): string {
  const percent = active.find((one) => one.env === env)?.percent;
  return percent === undefined ? "" : `${percent} %`;
}
