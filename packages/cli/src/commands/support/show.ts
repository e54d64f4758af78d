import { operatorThreadSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { defineCommand } from "../../command/define-command.ts";
import { printable, printableLine } from "../../output/printable.ts";

export const conversationArgument = required("Id of the conversation, as `aerostack support list` shows it");

export const supportShowCommand = defineCommand({
  name: "show",
  summary: "Show a conversation",
  arguments: { id: conversationArgument },
  examples: [{ command: "aerostack support show cnv_01jd…", explanation: "All of it, oldest first" }],
  async run(context, { args: { id } }) {
    const api = await context.api();
    const thread = await api.call("GET", apiPath("admin", "support", id), operatorThreadSchema);
    const { conversation, messages } = thread;
    return {
      data: thread,
      render(terminal) {
        terminal.pairs([
          ["Subject", printableLine(conversation.subject)],
          ["From", printableLine(conversation.email)],
          ["About", conversation.topic],
          ["Status", conversation.status],
        ]);
        for (const { author, from, text, createdAt } of messages) {
          const who = author === "operator" ? "Operator" : printableLine(from ?? conversation.email);
          terminal.line();
          terminal.line(terminal.style.dim(`${who}, ${createdAt}`));
          terminal.line(printable(text));
        }
      },
    };
  },
});
