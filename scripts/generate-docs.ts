// Writes the reference pages that are made from the code, so that they cannot say anything else:
//   node scripts/generate-docs.ts          writes them
//   node scripts/generate-docs.ts --check  fails when one is out of date
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { OpenApiDocument } from "../packages/server/src/edge/openapi.ts";
import { renderConfigurationPage } from "../packages/server/src/kernel/configuration-page.ts";
import { renderErrorsPage } from "../packages/server/src/kernel/errors-page.ts";
import { renderApiPage } from "./docs/api-page.ts";
import { fetchOpenApi } from "./docs/fetch-openapi.ts";
import { renderLimitsPage } from "./docs/limits-page.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const OPENAPI_PATH = "docs/reference/openapi.json";

/** JSON laid out as everything else in the repository is. */
function formatJson(value: unknown): string {
  const biome = join(root, "node_modules/@biomejs/biome/bin/biome");
  const result = spawnSync(process.execPath, [biome, "format", `--stdin-file-path=${OPENAPI_PATH}`], {
    cwd: root,
    input: JSON.stringify(value, null, 2),
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (result.status !== 0) throw new Error(`biome could not format ${OPENAPI_PATH}: ${result.stderr}`);
  return result.stdout;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

const document = await fetchOpenApi();
const pages: Readonly<Record<string, string>> = {
  "docs/reference/configuration.md": renderConfigurationPage(),
  "docs/reference/errors.md": renderErrorsPage(),
  "docs/reference/limits.md": renderLimitsPage(),
  "docs/reference/api.md": renderApiPage(document as OpenApiDocument),
  [OPENAPI_PATH]: formatJson(document),
};
const checkOnly = process.argv.includes("--check");
const stale = Object.entries(pages).filter(([path, text]) => read(join(root, path)) !== text);

for (const [path, text] of stale) {
  if (checkOnly) {
    process.stderr.write(`${path} is out of date; run: node scripts/generate-docs.ts\n`);
    continue;
  }
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  process.stdout.write(`${path} written\n`);
}
if (checkOnly && stale.length > 0) process.exit(1);
