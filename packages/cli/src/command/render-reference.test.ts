import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { COMMAND_SECTIONS } from "../commands/command-tree.ts";
import { renderReference } from "./render-reference.ts";

it("docs/reference/cli.md is what the command tree says (node scripts/generate-cli-docs.ts)", () => {
  const page = readFileSync(new URL("../../../../docs/reference/cli.md", import.meta.url), "utf8");
  expect(page).toBe(renderReference(COMMAND_SECTIONS));
});
