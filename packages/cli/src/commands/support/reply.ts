import { operatorThreadSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { usageError } from "../../command/cli-error.ts";
import { defineCommand } from "../../command/define-command.ts";
import { text } from "../../command/option.ts";
import { readStdin } from "../../command/read-input.ts";
import { conversationArgument } from "./show.ts";

export const supportReplyCommand = defineCommand({
  name: "reply",
  summary: "Answer a conversation; the person gets it by mail too",
  arguments: { id: conversationArgument },
  options: { text: text("text", "The answer; without it standard input is read") },
  examples: [
    { command: "aerostack support reply cnv_01jd… < answer.txt", explanation: "Sends what is in the file" },
    { command: "aerostack support reply cnv_01jd… --text 'Done.'", explanation: "In a word" },
  ],
  async run(context, { args: { id }, options }) {
    const { stdin } = context.surroundings;
    const isAsked = options.text === undefined && stdin.isTTY !== true;
    const typed = isAsked ? (await readStdin(stdin)).toString("utf8") : "";
    const answer = (options.text ?? typed).trim();
    if (answer === "") throw usageError("There is no answer to send.", "Give it with --text, or on standard input.");
    const api = await context.api();
    const thread = await context.terminal.step(
      "Sending the answer",
      () =>
        api.call("POST", apiPath("admin", "support", id, "messages"), operatorThreadSchema, { json: { text: answer } }),
      ({ conversation }) => `Answered ${conversation.email}`,
    );
    return { data: thread, render: () => {} };
  },
});
