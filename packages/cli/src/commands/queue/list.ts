import { listQueuesResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { defineCommand } from "../../command/define-command.ts";
import { formatAgo } from "../../output/format.ts";
import { printableLine } from "../../output/printable.ts";
import { renderPage } from "../list-page.ts";

export const queueListCommand = defineCommand({
  name: "list",
  summary: "List queues, their backlog and who consumes them",
  examples: [{ command: "aerostack queue list", explanation: "All queues of the project" }],
  async run(context) {
    const project = await context.project();
    const api = await context.api();
    const answer = await api.call("GET", apiPath("projects", project.id, "queues"), listQueuesResponseSchema);
    return {
      data: answer,
      render: (terminal) =>
        renderPage(terminal, {
          columns: [
            { title: "Queue", paint: terminal.style.accent },
            { title: "Backlog", align: "right" },
            { title: "Available", align: "right" },
            { title: "Dead letters", align: "right" },
            { title: "Dropped", align: "right" },
            { title: "Oldest" },
            { title: "Consumer" },
          ],
          rows: answer.queues.map((queue) => [
            queue.name,
            String(queue.backlog),
            String(queue.available),
            String(queue.deadLettered),
            String(queue.dropped),
            queue.oldestMessageAt === null ? "" : formatAgo(queue.oldestMessageAt, context.surroundings.now()),
            printableLine(queue.consumer ?? queue.endpoint ?? "none"),
          ]),
          empty: "No queues yet: a queue comes into being with its first message or consumer.",
        }),
    };
  },
});
