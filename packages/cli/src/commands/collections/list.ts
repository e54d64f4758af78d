import { COLLECTION_OPERATIONS, listCollectionsResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { defineCommand } from "../../command/define-command.ts";
import { printableLine } from "../../output/printable.ts";
import { renderPage } from "../list-page.ts";

const MAX_RULE_CHARACTERS = 24;

export const collectionsListCommand = defineCommand({
  name: "list",
  summary: "List collections and who may do what with their items",
  examples: [{ command: "aerostack collections list", explanation: "Their rules at a glance" }],
  async run(context) {
    const project = await context.project();
    const api = await context.api();
    const path = apiPath("projects", project.id, "collections");
    const answer = await api.call("GET", path, listCollectionsResponseSchema);
    return {
      data: answer,
      render: (terminal) =>
        renderPage(terminal, {
          columns: [
            { title: "Name", paint: terminal.style.accent },
            { title: "Fields", align: "right" },
            ...COLLECTION_OPERATIONS.map((operation) => ({ title: capital(operation) })),
          ],
          rows: answer.collections.map(({ name, schema, rules }) => [
            name,
            String(Object.keys((schema.properties ?? {}) as object).length),
            ...COLLECTION_OPERATIONS.map((operation) => shorten(rules[operation])),
          ]),
          empty: "No collections. Describe them in aerostack.toml and run `aerostack collections push`.",
        }),
    };
  },
});

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function shorten(rule: string): string {
  const line = printableLine(rule);
  return line.length <= MAX_RULE_CHARACTERS ? line : `${line.slice(0, MAX_RULE_CHARACTERS - 1)}…`;
}
