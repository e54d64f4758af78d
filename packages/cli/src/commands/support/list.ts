import { operatorConversationsResponseSchema, SUPPORT_STATUSES, SUPPORT_TOPICS } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { defineCommand } from "../../command/define-command.ts";
import { choice } from "../../command/option.ts";
import { printableLine } from "../../output/printable.ts";
import { renderPage } from "../list-page.ts";
import { cursorOption, limitOption } from "../shared-options.ts";

export const supportListCommand = defineCommand({
  name: "list",
  summary: "List conversations, newest first",
  options: {
    status: choice(
      "status",
      "Only those that are open (nobody has answered), answered or closed",
      SUPPORT_STATUSES,
      undefined,
    ),
    topic: choice("topic", "Only those about this", SUPPORT_TOPICS, undefined),
    limit: limitOption,
    cursor: cursorOption,
  },
  examples: [{ command: "aerostack support list --status open", explanation: "Who waits for an answer" }],
  async run(context, { options: query }) {
    const api = await context.api();
    const answer = await api.call("GET", apiPath("admin", "support"), operatorConversationsResponseSchema, { query });
    return {
      data: answer,
      render: (terminal) =>
        renderPage(terminal, {
          columns: [
            { title: "Id", paint: terminal.style.dim },
            { title: "Status" },
            { title: "About" },
            { title: "From" },
            { title: "Subject", paint: terminal.style.accent },
          ],
          rows: answer.conversations.map(({ id, status, topic, email, subject }) => [
            id,
            status,
            topic,
            printableLine(email),
            printableLine(subject),
          ]),
          empty: "No conversations.",
          nextCursor: answer.nextCursor,
        }),
    };
  },
});
