// Writes docs/reference/cli.md from the command tree. A test of the CLI fails while the page is not up to date.
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { COMMAND_SECTIONS, renderReference } from "../packages/cli/src/index.ts";

const page = fileURLToPath(new URL("../docs/reference/cli.md", import.meta.url));
mkdirSync(fileURLToPath(new URL("../docs/reference", import.meta.url)), { recursive: true });
writeFileSync(page, renderReference(COMMAND_SECTIONS));
process.stdout.write(`Wrote ${page}\n`);
