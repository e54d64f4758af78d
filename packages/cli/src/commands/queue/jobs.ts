import { JOB_STATUSES, listManagedJobsResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { defineCommand } from "../../command/define-command.ts";
import { choice, text } from "../../command/option.ts";
import { formatAgo } from "../../output/format.ts";
import { printableLine } from "../../output/printable.ts";
import { renderPage } from "../list-page.ts";
import { cursorOption, limitOption } from "../shared-options.ts";

export const queueJobsCommand = defineCommand({
  name: "jobs",
  summary: "List jobs, what became of them and why",
  details: ["The newest first. A job is a message that was sent with its type; its record is kept for 7 days."],
  options: {
    status: choice("status", "Only jobs in this state", JOB_STATUSES, undefined),
    type: text("type", "Only jobs of this type"),
    limit: limitOption,
    cursor: cursorOption,
  },
  examples: [
    { command: "aerostack queue jobs", explanation: "The latest jobs" },
    { command: "aerostack queue jobs --status failed --type mail", explanation: "Mails that did not get out, and why" },
  ],
  async run(context, { options: { status, type, limit, cursor } }) {
    const project = await context.project();
    const api = await context.api();
    const answer = await api.call("GET", apiPath("projects", project.id, "jobs"), listManagedJobsResponseSchema, {
      query: { status, type, limit, cursor },
    });
    return {
      data: answer,
      render: (terminal) =>
        renderPage(terminal, {
          columns: [
            { title: "Id", paint: terminal.style.dim },
            { title: "Type", paint: terminal.style.accent },
            { title: "Status" },
            { title: "Attempts", align: "right" },
            { title: "Queued" },
            { title: "Error" },
          ],
          rows: answer.jobs.map((job) => [
            job.id,
            printableLine(job.type),
            job.status,
            String(job.attempts),
            formatAgo(job.createdAt, context.surroundings.now()),
            printableLine(job.error ?? ""),
          ]),
          empty: "No such jobs.",
          nextCursor: answer.nextCursor,
        }),
    };
  },
});
