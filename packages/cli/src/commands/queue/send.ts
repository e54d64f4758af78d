import { sendMessageResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { optional } from "../../command/argument.ts";
import { usageError } from "../../command/cli-error.ts";
import { defineCommand } from "../../command/define-command.ts";
import { integer } from "../../command/option.ts";
import { readStdin } from "../../command/read-input.ts";
import { queueOption } from "./queue-option.ts";

const MAX_DELAY_SECONDS = 43_200;

export const queueSendCommand = defineCommand({
  name: "send",
  summary: "Send a message",
  details: ["The body is JSON; text that is not JSON is sent as a string."],
  arguments: { body: optional("Body; standard input where it is left out") },
  options: {
    queue: queueOption,
    delay: integer("seconds", "Deliver it after this time", { min: 0, max: MAX_DELAY_SECONDS }, 0),
  },
  examples: [
    { command: `aerostack queue send '{"type":"welcome","data":{"user":42}}'`, explanation: "To the default queue" },
  ],
  async run(context, { args, options }) {
    const { stdin } = context.surroundings;
    if (args.body === undefined && stdin.isTTY === true)
      throw usageError("No body is given.", "Give it as an argument or on standard input.");
    const body = parseBody(args.body ?? (await readStdin(stdin)).toString("utf8"));
    const queue = options.queue ?? "default";
    const project = await context.project();
    const api = await context.api();
    await context.terminal.step(
      "Sending",
      () =>
        api.call("POST", apiPath("projects", project.id, "queues", queue, "messages"), sendMessageResponseSchema, {
          json: { body, delaySeconds: options.delay },
        }),
      () => `Sent to ${queue}${options.delay === 0 ? "" : `, to be delivered in ${options.delay} s`}`,
    );
    return { data: { queue, body, delaySeconds: options.delay }, render: () => {} };
  },
});

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text.replace(/\r?\n$/, "");
  }
}
