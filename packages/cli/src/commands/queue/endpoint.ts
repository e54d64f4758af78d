import {
  DEFAULT_ENDPOINT_RETRIES,
  MAX_ENDPOINT_RETRIES,
  putQueueEndpointResponseSchema,
  type QueueEndpoint,
  queueEndpointResponseSchema,
  rotatedSecretResponseSchema,
  successSchema,
} from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { optional, required } from "../../command/argument.ts";
import { usageError } from "../../command/cli-error.ts";
import { defineCommand } from "../../command/define-command.ts";
import { flag, integer, text } from "../../command/option.ts";
import type { Terminal } from "../../output/terminal.ts";
import { destroy } from "../destroy.ts";
import { dryRunOption } from "../shared-options.ts";

export const queueEndpointCommand = defineCommand({
  name: "endpoint",
  summary: "Post a queue's messages to an HTTPS address",
  details: [
    "Without an address, shows where they go. Deliveries are signed as Standard Webhooks says; the secret that checks them is shown once, when the endpoint is made.",
    "A queue has one consumer: an endpoint, or a function.",
  ],
  arguments: { queue: required("Queue"), url: optional("Address that takes POST requests") },
  options: {
    maxRetries: integer(
      "count",
      "Deliveries after the first",
      { min: 0, max: MAX_ENDPOINT_RETRIES },
      DEFAULT_ENDPOINT_RETRIES,
    ),
    deadLetters: text("queue", "Where a message goes that nobody took; by default the queue's name with `-dead`"),
    rotateSecret: flag("Make a new secret; the old one signs beside it for a day"),
    remove: flag("Post to nobody any more; messages stay in the queue"),
    dryRun: dryRunOption,
  },
  examples: [
    { command: "aerostack queue endpoint orders https://shop.example.com/hook", explanation: "Prints the secret" },
    { command: "aerostack queue endpoint orders --rotate-secret", explanation: "When the secret got about" },
  ],
  async run(context, { args: { queue, url }, options }) {
    const { maxRetries, deadLetters, rotateSecret, remove, dryRun } = options;
    if ([url !== undefined, rotateSecret, remove].filter(Boolean).length > 1) {
      throw usageError("An address, --rotate-secret and --remove exclude each other.");
    }
    if (dryRun && !remove) throw usageError("--dry-run goes with --remove.");
    const project = await context.project();
    const api = await context.api();
    const path = apiPath("projects", project.id, "queues", queue, "endpoint");
    if (remove) {
      return destroy(context, {
        verb: ["remove", "Removing", "Removed"],
        what: `the endpoint of ${queue} in ${project.slug}`,
        facts: { queue, project: project.slug },
        dryRun,
        work: () => api.call("DELETE", path, successSchema),
      });
    }
    if (rotateSecret) {
      const rotated = await context.terminal.step(
        "Making a new secret",
        () => api.call("POST", `${path}/secret`, rotatedSecretResponseSchema),
        ({ previousUntil }) =>
          `Made a new secret. The old one signs too until ${previousUntil}. It is shown this once:`,
      );
      return { data: rotated, render: (terminal) => terminal.line(rotated.secret) };
    }
    if (url === undefined) {
      const shown = await api.call("GET", path, queueEndpointResponseSchema);
      return { data: shown, render: (terminal) => describe(terminal, shown.endpoint) };
    }
    const json = { url, maxRetries, ...(deadLetters === undefined ? {} : { deadLetterQueue: deadLetters }) };
    const made = await context.terminal.step(
      `Connecting ${queue}`,
      () => api.call("PUT", path, putQueueEndpointResponseSchema, { json }),
      ({ secret }) =>
        secret === null
          ? `Messages of ${queue} are posted to ${url}`
          : `Messages of ${queue} are posted to ${url}. The secret that checks them is shown this once:`,
    );
    return {
      data: made,
      render(terminal) {
        if (made.secret !== null) terminal.line(made.secret);
      },
    };
  },
});

function describe(terminal: Terminal, { url, maxRetries, deadLetterQueue }: QueueEndpoint): void {
  terminal.line(url);
  terminal.line(`Deliveries after the first: ${maxRetries}, then to ${deadLetterQueue}`);
}
