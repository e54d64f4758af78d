import { createWriteStream, existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { DISCLOSURE_CATEGORIES } from "@aerostack/contracts";
import { apiPath, TRANSFER_TIMEOUT_MS } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { usageError } from "../../command/cli-error.ts";
import { defineCommand } from "../../command/define-command.ts";
import { list, text } from "../../command/option.ts";
import { formatBytes } from "../../output/format.ts";
import { hyphened, kindOf } from "../hyphened.ts";

export const legalDiscloseCommand = defineCommand({
  name: "disclose",
  summary: "Write exactly the chosen data of a case's subject into an archive",
  details: [
    `What can be chosen: ${DISCLOSURE_CATEGORIES.map(hyphened).join(", ")}. Nothing else is in the archive, and never what opens anything: hashes of passwords and keys, secrets of authenticators, tokens. Its manifest.json has the SHA-256 of each file; that of the manifest stands in the audit log, with whom it was disclosed to.`,
  ],
  arguments: { case: required("Id of the case") },
  options: {
    category: list("name", "What is disclosed; give it several times; needed"),
    to: text("text", "Whom it is for; needed"),
    output: text("file", "Write to this file; needed", { short: "o" }),
  },
  examples: [
    {
      command:
        'aerostack legal disclose lgc_01k --category profile --category log-ins --to "Inspector Lee" -o case.zip',
      explanation: "Who somebody is, and from where they logged in",
    },
  ],
  async run(context, { args, options: { category, to, output } }) {
    const categories = category.map((name) => kindOf(name, DISCLOSURE_CATEGORIES));
    if (categories.length === 0) throw usageError("Choose what is disclosed with --category.");
    if (to === undefined || output === undefined) throw usageError("A disclosure needs --to and --output.");
    const file = resolve(context.surroundings.cwd, output);
    // Before anything is asked for: a disclosure that is begun stands in the audit log.
    if (existsSync(file)) throw usageError(`${file} is there already.`);
    const api = await context.api();
    let bytes = 0;
    try {
      await context.terminal.step(
        "Disclosing",
        async ({ update }) => {
          const response = await api.open("POST", apiPath("admin", "legal", "cases", args.case, "disclosures"), {
            json: { categories, recipient: to },
            timeoutMs: TRANSFER_TIMEOUT_MS,
          });
          const source = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
          source.on("data", (chunk: Buffer) => {
            bytes += chunk.length;
            update(`Disclosing (${formatBytes(bytes)})`);
          });
          await pipeline(source, createWriteStream(file, { flags: "wx", mode: 0o600 }));
        },
        () => `Disclosed ${categories.map(hyphened).join(", ")} to ${file} (${formatBytes(bytes)})`,
      );
    } catch (error) {
      // Half an archive would pass for a whole one. One that came to be there meanwhile is not ours.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") await rm(file, { force: true });
      throw error;
    }
    return { data: { file, categories, recipient: to, sizeBytes: bytes }, render: () => {} };
  },
});
