import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const SOURCE = import.meta.dirname;
const IMPORT = /import \{ \w+ \} from "\.\/(.+)";/g;

/** Whoever seals without saying where would lose its values when the older master key is taken away. */
it("names a column for every file that seals values", () => {
  const listed = readFileSync(join(SOURCE, "sealed-columns.ts"), "utf8");
  const named = new Set([...listed.matchAll(IMPORT)].map((match) => match[1]));
  const sealing = globSync("**/*.ts", { cwd: SOURCE }).filter(
    (file) =>
      !/\.test\.ts$|^kernel\/crypto\//.test(file) && /\.seal\([^)]/.test(readFileSync(join(SOURCE, file), "utf8")),
  );
  expect(sealing.length).toBeGreaterThan(3);
  expect(sealing.filter((file) => !named.has(file))).toEqual([]);
});
