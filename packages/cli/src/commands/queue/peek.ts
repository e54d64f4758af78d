import { listMessagesResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { defineCommand } from "../../command/define-command.ts";
import { integer } from "../../command/option.ts";
import { formatAgo } from "../../output/format.ts";
import { printableLine } from "../../output/printable.ts";
import { renderPage } from "../list-page.ts";
import { cursorOption } from "../shared-options.ts";
import { queueOption } from "./queue-option.ts";

export const queuePeekCommand = defineCommand({
  name: "peek",
  summary: "Look at messages without taking them",
  options: {
    queue: queueOption,
    limit: integer("count", "Most messages to show", { min: 1, max: 100 }, 10),
    cursor: cursorOption,
  },
  examples: [{ command: "aerostack queue peek --queue orders-dead", explanation: "What is in a dead-letter queue" }],
  async run(context, { options }) {
    const queue = options.queue ?? "default";
    const project = await context.project();
    const api = await context.api();
    const path = apiPath("projects", project.id, "queues", queue, "messages");
    const { limit, cursor } = options;
    const answer = await api.call("GET", path, listMessagesResponseSchema, { query: { limit, cursor } });
    return {
      data: answer,
      render: (terminal) =>
        renderPage(terminal, {
          columns: [
            { title: "Id", paint: terminal.style.dim },
            { title: "Sent" },
            { title: "Attempts", align: "right" },
            { title: "Body" },
          ],
          rows: answer.messages.map(({ id, sentAt, attempts, body }) => [
            id,
            formatAgo(sentAt, context.surroundings.now()),
            String(attempts),
            printableLine(typeof body === "string" ? body : JSON.stringify(body)),
          ]),
          empty: `No messages in ${queue}.`,
          nextCursor: answer.nextCursor,
        }),
    };
  },
});
