// Writes the reference pages that are made from the code, so that they cannot say anything else:
//   node scripts/generate-docs.ts          writes them
//   node scripts/generate-docs.ts --check  fails when one is out of date
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { renderConfigurationPage } from "../packages/server/src/kernel/configuration-page.ts";
import { renderErrorsPage } from "../packages/server/src/kernel/errors-page.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const PAGES: Readonly<Record<string, () => string>> = {
  "docs/reference/configuration.md": renderConfigurationPage,
  "docs/reference/errors.md": renderErrorsPage,
};

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

const checkOnly = process.argv.includes("--check");
const stale = Object.entries(PAGES).filter(([path, render]) => read(join(root, path)) !== render());

for (const [path, render] of stale) {
  if (checkOnly) {
    process.stderr.write(`${path} is out of date; run: node scripts/generate-docs.ts\n`);
    continue;
  }
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), render());
  process.stdout.write(`${path} written\n`);
}
if (checkOnly && stale.length > 0) process.exit(1);
