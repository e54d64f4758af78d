import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { TRANSFER_TIMEOUT_MS } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { usageError } from "../../command/cli-error.ts";
import { defineCommand } from "../../command/define-command.ts";
import { text } from "../../command/option.ts";
import { formatBytes } from "../../output/format.ts";
import { bucketOption } from "../shared-options.ts";
import { objectPath } from "./object-path.ts";

export const storageGetCommand = defineCommand({
  name: "get",
  summary: "Download an object",
  details: ["To standard output, or to a file with --output. A download that breaks leaves no file behind."],
  arguments: { key: required("Key of the object, such as images/logo.png") },
  options: { bucket: bucketOption, output: text("file", "Write to this file", { short: "o" }) },
  examples: [{ command: "aerostack storage get images/logo.png -o logo.png", explanation: "Download to a file" }],
  async run(context, { args, options }) {
    const { terminal, surroundings } = context;
    if (options.output === undefined && terminal.json) throw usageError("--json needs --output here.");
    const bucket = options.bucket ?? "default";
    const project = await context.project();
    const api = await context.api();
    const response = await api.open("GET", objectPath(project.id, bucket, args.key), {
      timeoutMs: TRANSFER_TIMEOUT_MS,
    });
    const body = response.body ?? new ReadableStream<Uint8Array>();
    if (options.output === undefined) {
      await terminal.pipe(body);
      return undefined;
    }
    const file = resolve(surroundings.cwd, options.output);
    let bytes = 0;
    try {
      await terminal.step(
        `Downloading ${args.key}`,
        async ({ update }) => {
          const source = Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]);
          source.on("data", (chunk: Buffer) => {
            bytes += chunk.length;
            update(`Downloading ${args.key} (${formatBytes(bytes)})`);
          });
          await pipeline(source, createWriteStream(file));
        },
        () => `Downloaded ${args.key} to ${file} (${formatBytes(bytes)})`,
      );
    } catch (error) {
      await rm(file, { force: true });
      throw error;
    }
    return {
      data: { key: args.key, bucket, file, sizeBytes: bytes, contentType: response.headers.get("content-type") },
      render: () => {},
    };
  },
});
