import { listKeysResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { defineCommand } from "../../command/define-command.ts";
import { integer, text } from "../../command/option.ts";
import { printableLine } from "../../output/printable.ts";
import { renderPage } from "../list-page.ts";
import { cursorOption, namespaceOption } from "../shared-options.ts";

export const kvListCommand = defineCommand({
  name: "list",
  summary: "List keys",
  options: {
    prefix: text("prefix", "Only keys that start with this"),
    namespace: namespaceOption,
    limit: integer("count", "Most keys to list", { min: 1, max: 1000 }, 100),
    cursor: cursorOption,
  },
  examples: [{ command: "aerostack kv list --prefix session:", explanation: "The keys of sessions" }],
  async run(context, { options }) {
    const namespace = options.namespace ?? "default";
    const project = await context.project();
    const api = await context.api();
    const { prefix, limit, cursor } = options;
    const answer = await api.call(
      "GET",
      apiPath("projects", project.id, "kv", namespace, "keys"),
      listKeysResponseSchema,
      {
        query: { prefix, limit, cursor },
      },
    );
    return {
      data: answer,
      render: (terminal) =>
        renderPage(terminal, {
          columns: [{ title: "Key", paint: terminal.style.accent }, { title: "Expires" }],
          rows: answer.keys.map(({ name, expiresAt }) => [printableLine(name), expiresAt ?? ""]),
          empty: `No keys in ${namespace}${prefix === undefined ? "" : ` that start with '${prefix}'`}.`,
          nextCursor: answer.nextCursor,
        }),
    };
  },
});
