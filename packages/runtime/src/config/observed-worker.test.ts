import { deployConfigSchema } from "@aerostack/contracts";
import { describe, expect, it } from "vitest";
import type { FunctionSpec } from "../types.ts";
import { observedModules } from "./observed-worker.ts";
import type { WorkerdModule } from "./workerd-config.ts";

const LIMITS = { linesPerSecond: 100, burst: 200 };
const spec = (compatibilityFlags: string[] = []): FunctionSpec => ({
  key: "api@production@1",
  name: "api",
  environment: "production",
  versionNumber: 1,
  modules: [],
  compatibilityDate: "2026-07-01",
  compatibilityFlags,
  config: deployConfigSchema.parse({}),
  secrets: {},
  apiKey: "ak_test",
});
const module = (name: string, source: string): WorkerdModule => ({ name, type: "esm", content: Buffer.from(source) });
const isObserved = async (source: string, flags?: string[]): Promise<boolean> =>
  (await observedModules(spec(flags), [module("main.js", source)], LIMITS)) !== null;

describe("a function is observed in its own process", () => {
  it.each([
    "export default { fetch() {} };",
    "const app = {}; export { app as default };",
    'export { default } from "./other.js";',
    'import { AsyncLocalStorage } from "node:async_hooks"; export default {};',
    "// export const commented = 1;\nconst text = `export const quoted = 1;`; export default {};",
  ])("when all that it exports is a default: %s", async (source) => {
    expect(await isObserved(source)).toBe(true);
  });

  it.each([
    ["another export", "export default {}; export class Room {}"],
    ["exports that cannot be known", 'export default {}; export * from "./other.js";'],
    ["a namespace", 'export default {}; export * as ns from "./other.js";'],
    ["no export", "addEventListener('fetch', () => {});"],
    [
      "a class of the runtime",
      'import { WorkerEntrypoint } from "cloudflare:workers"; export default class extends WorkerEntrypoint {}',
    ],
    ["timers that are not the global ones", 'import { setTimeout } from "node:timers"; export default {};'],
    ["a syntax error", "export default {;"],
  ])("but not with %s", async (_what, source) => {
    expect(await isObserved(source)).toBe(false);
  });

  it("but not when a module beside the main one has such a class, or when modules are resolved otherwise", async () => {
    const main = module("main.js", 'export { default } from "./chunk.js";');
    const chunk = module("chunk.js", 'import * as runtime from "cloudflare:workers"; export default {};');
    expect(await observedModules(spec(), [main, chunk], LIMITS)).toBeNull();
    expect(await isObserved("export default {};", ["new_module_registry"])).toBe(false);
  });

  it("whatever its modules are named", async () => {
    const own = ["start.js", "observed.js", "_observed.js"].map((name) => module(name, "export default {};"));
    const modules = (await observedModules(spec(), own, LIMITS)) ?? [];
    expect(modules.map(({ name }) => name)).toEqual([
      "__observed.js",
      "_start.js",
      "start.js",
      "observed.js",
      "_observed.js",
    ]);
  });
});
