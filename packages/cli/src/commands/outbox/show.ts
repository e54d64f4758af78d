import { outboxMessageResponseSchema, type outboxMessageSchema } from "@aerostack/contracts";
import type { z } from "zod";
import { apiPath } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { defineCommand } from "../../command/define-command.ts";
import { printableLine } from "../../output/printable.ts";

type OutboxMessage = z.output<typeof outboxMessageSchema>;

export const outboxShowCommand = defineCommand({
  name: "show",
  summary: "Show a message to a project's users: its code, its link",
  arguments: { message: required("Id of the message") },
  examples: [
    { command: "aerostack outbox show msg_01k7…", explanation: "Ids are shown by `aerostack outbox list`" },
    { command: "aerostack outbox show msg_01k7… --json", explanation: "With its HTML" },
  ],
  async run(context, { args: { message: id } }) {
    const project = await context.project();
    const api = await context.api();
    const path = apiPath("projects", project.id, "auth", "outbox", id);
    const answer = await api.call("GET", path, outboxMessageResponseSchema);
    return {
      data: answer,
      render: (terminal) => {
        for (const line of linesOf(answer.message)) terminal.line(line);
      },
    };
  },
});

function linesOf({ kind, status, sender, error, createdAt, message }: OutboxMessage): string[] {
  const fate = [status, ...(sender === null ? [] : [`by ${sender}`]), ...(error === null ? [] : [error])].join(", ");
  const head = [`Kind:    ${kind}`, `Status:  ${printableLine(fate)}`, `Time:    ${createdAt}`];
  if (message === null) return [...head, "", "It was sent: neither receiver nor text is kept."];
  const subject = message.subject === "" ? [] : [`Subject: ${printableLine(message.subject)}`];
  const text = message.text.split("\n").map(printableLine);
  return [...head, `To:      ${printableLine(message.to)}`, ...subject, "", ...text];
}
