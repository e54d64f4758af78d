import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { apiPath, TRANSFER_TIMEOUT_MS } from "../../api/api-client.ts";
import { usageError } from "../../command/cli-error.ts";
import { defineCommand } from "../../command/define-command.ts";
import { text } from "../../command/option.ts";
import { formatBytes } from "../../output/format.ts";
import { chosenDatabase, databaseOption } from "../shared-options.ts";

export const dbExportCommand = defineCommand({
  name: "export",
  summary: "Write a database as SQL",
  details: ["To standard output, or to a file with --output. `aerostack db import` and sqlite3 read it."],
  options: { database: databaseOption, output: text("file", "Write to this file", { short: "o" }) },
  examples: [{ command: "aerostack db export -o backup.sql", explanation: "Into a file" }],
  async run(context, { options }) {
    const { terminal, surroundings } = context;
    if (options.output === undefined && terminal.json) throw usageError("--json needs --output here.");
    const database = await chosenDatabase(context, options.database);
    const project = await context.project();
    const api = await context.api();
    const response = await api.open("GET", apiPath("projects", project.id, "db", "export"), {
      query: { database },
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
        `Exporting ${database}`,
        async ({ update }) => {
          const source = Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]);
          source.on("data", (chunk: Buffer) => {
            bytes += chunk.length;
            update(`Exporting ${database} (${formatBytes(bytes)})`);
          });
          await pipeline(source, createWriteStream(file));
        },
        () => `Exported ${database} to ${file} (${formatBytes(bytes)})`,
      );
    } catch (error) {
      // Half an export would pass for a whole one.
      await rm(file, { force: true });
      throw error;
    }
    return { data: { database, file, sizeBytes: bytes }, render: () => {} };
  },
});
