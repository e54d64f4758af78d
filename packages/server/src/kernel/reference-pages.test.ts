import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { renderLimitsPage } from "../../../../scripts/docs/limits-page.ts";
import { renderConfigurationPage } from "./configuration-page.ts";
import { renderErrorsPage } from "./errors-page.ts";

const page = (name: string) => readFileSync(new URL(`../../../../docs/reference/${name}`, import.meta.url), "utf8");

describe("the generated reference pages", () => {
  it.each([
    ["configuration.md", renderConfigurationPage],
    ["errors.md", renderErrorsPage],
    ["limits.md", renderLimitsPage],
  ])("%s says what the code says (else run: node scripts/generate-docs.ts)", (name, render) => {
    expect(page(name)).toBe(render());
  });
});
