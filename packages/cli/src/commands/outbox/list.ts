import { listOutboxResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { defineCommand } from "../../command/define-command.ts";
import { formatAgo } from "../../output/format.ts";
import { printableLine } from "../../output/printable.ts";
import { renderPage } from "../list-page.ts";
import { cursorOption, limitOption } from "../shared-options.ts";

export const outboxListCommand = defineCommand({
  name: "list",
  summary: "List mails and text messages to a project's users, newest first",
  details: [
    "Without a sender (SMTP, Resend, Twilio) messages stay here, held: read the codes and links that your users wait for.",
    "Of a message that was sent neither receiver nor text is kept.",
  ],
  options: { limit: limitOption, cursor: cursorOption },
  examples: [
    { command: "aerostack outbox list", explanation: "The latest messages" },
    { command: "aerostack outbox list --json", explanation: "The same with their texts, for scripts and tests" },
  ],
  async run(context, { options: { limit, cursor } }) {
    const project = await context.project();
    const api = await context.api();
    const path = apiPath("projects", project.id, "auth", "outbox");
    const answer = await api.call("GET", path, listOutboxResponseSchema, { query: { limit, cursor } });
    return {
      data: answer,
      render: (terminal) =>
        renderPage(terminal, {
          columns: [
            { title: "Id", paint: terminal.style.dim },
            { title: "Status" },
            { title: "Kind", paint: terminal.style.accent },
            { title: "To" },
            { title: "Subject" },
            { title: "When" },
          ],
          rows: answer.messages.map(({ id, status, kind, message, createdAt }) => [
            id,
            status,
            kind,
            printableLine(message?.to ?? "–"),
            printableLine(message?.subject ?? "–"),
            formatAgo(createdAt, context.surroundings.now()),
          ]),
          empty: "No messages.",
          nextCursor: answer.nextCursor,
        }),
    };
  },
});
