import { resolve } from "node:path";
import { successSchema } from "@aerostack/contracts";
import { apiPath, TRANSFER_TIMEOUT_MS } from "../../api/api-client.ts";
import { optional, required } from "../../command/argument.ts";
import { usageError } from "../../command/cli-error.ts";
import { defineCommand } from "../../command/define-command.ts";
import { openInputFile } from "../../command/open-input-file.ts";
import { integer, text } from "../../command/option.ts";
import { readStdin } from "../../command/read-input.ts";
import { namespaceOption } from "../shared-options.ts";

const MAX_TTL_SECONDS = 10_000_000_000;

export const kvPutCommand = defineCommand({
  name: "put",
  summary: "Write a value",
  details: ["The value is the second argument, the content of --file, or standard input, byte for byte."],
  arguments: { key: required("Key"), value: optional("Value as text") },
  options: {
    namespace: namespaceOption,
    file: text("file", "Take the value from a file"),
    ttl: integer("seconds", "Delete it after this time", { min: 1, max: MAX_TTL_SECONDS }, undefined),
  },
  examples: [
    { command: 'aerostack kv put greeting "Hello" --ttl 3600', explanation: "For an hour" },
    { command: "aerostack kv put logo --file logo.png", explanation: "The content of a file" },
  ],
  async run(context, { args, options }) {
    const { stdin, cwd } = context.surroundings;
    if (args.value !== undefined && options.file !== undefined)
      throw usageError("A value and --file exclude each other.");
    if (args.value === undefined && options.file === undefined && stdin.isTTY === true) {
      throw usageError("No value is given.", "Give it as the second argument, with --file, or on standard input.");
    }
    const body =
      args.value !== undefined
        ? new Blob([args.value])
        : options.file !== undefined
          ? await openInputFile(resolve(cwd, options.file))
          : new Blob([new Uint8Array(await readStdin(stdin))]);
    const namespace = options.namespace ?? "default";
    const project = await context.project();
    const api = await context.api();
    await context.terminal.step(
      `Writing ${args.key}`,
      () =>
        api.call("PUT", apiPath("projects", project.id, "kv", namespace, "values", args.key), successSchema, {
          body,
          headers: { "content-type": "application/octet-stream" },
          query: { ttl: options.ttl },
          timeoutMs: TRANSFER_TIMEOUT_MS,
        }),
      () => `Wrote ${args.key} to ${namespace}`,
    );
    return {
      data: { key: args.key, namespace, sizeBytes: body.size, ttlSeconds: options.ttl ?? null },
      render: () => {},
    };
  },
});
