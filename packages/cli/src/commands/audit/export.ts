import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { TRANSFER_TIMEOUT_MS } from "../../api/api-client.ts";
import { usageError } from "../../command/cli-error.ts";
import { defineCommand } from "../../command/define-command.ts";
import { choice, text } from "../../command/option.ts";
import { formatBytes } from "../../output/format.ts";
import { auditOptions, auditScope } from "./audit-scope.ts";

export const auditExportCommand = defineCommand({
  name: "export",
  summary: "Write the audit log as JSON lines or CSV, oldest first",
  details: [
    "To standard output, or to a file with --output. The export is itself written to the log. In CSV, cells that a spreadsheet would take for a formula begin with an apostrophe.",
  ],
  options: {
    ...auditOptions,
    format: choice("format", "Form of the export", ["jsonl", "csv"], "jsonl"),
    output: text("file", "Write to this file", { short: "o" }),
  },
  examples: [
    { command: "aerostack audit export --format csv -o audit.csv", explanation: "For a spreadsheet" },
    { command: "aerostack audit export --since 30d", explanation: "The last 30 days, as JSON lines" },
  ],
  async run(context, { options: { format, output, ...selection } }) {
    const { terminal, surroundings } = context;
    if (output === undefined && terminal.json) throw usageError("--json needs --output here.");
    const { path, of, query } = await auditScope(context, selection);
    const api = await context.api();
    const response = await api.open("GET", `${path}/export`, {
      query: { ...query, format },
      timeoutMs: TRANSFER_TIMEOUT_MS,
    });
    const body = response.body ?? new ReadableStream<Uint8Array>();
    if (output === undefined) {
      await terminal.pipe(body);
      return undefined;
    }
    const file = resolve(surroundings.cwd, output);
    let bytes = 0;
    try {
      await terminal.step(
        `Exporting the audit log of ${of}`,
        async ({ update }) => {
          const source = Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]);
          source.on("data", (chunk: Buffer) => {
            bytes += chunk.length;
            update(`Exporting the audit log of ${of} (${formatBytes(bytes)})`);
          });
          await pipeline(source, createWriteStream(file));
        },
        () => `Exported the audit log of ${of} to ${file} (${formatBytes(bytes)})`,
      );
    } catch (error) {
      // Half a log would pass for a whole one.
      await rm(file, { force: true });
      throw error;
    }
    return { data: { file, format, sizeBytes: bytes }, render: () => {} };
  },
});
