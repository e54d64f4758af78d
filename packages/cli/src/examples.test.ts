import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { bundleFunction } from "./bundler/bundle-function.ts";
import { loadConfig } from "./config/load-config.ts";
import { startInWorkerd } from "./testing/workerd.ts";

const EXAMPLES = fileURLToPath(new URL("../../../examples", import.meta.url));
const names = readdirSync(EXAMPLES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

it.each(names)(
  "example %s: its configuration is understood whole, and its functions start in workerd",
  async (name) => {
    const config = await loadConfig({ cwd: join(EXAMPLES, name), file: undefined, environment: "production" });
    if (config === undefined) throw new Error("the example has no configuration");
    expect(config.notices).toEqual([]);
    for (const source of config.functions) {
      const bundle = await bundleFunction(source, config.directory, { minify: true });
      expect(bundle.warnings).toEqual([]);
      const worker = await startInWorkerd(bundle, source);
      await worker.stop();
    }
  },
);
