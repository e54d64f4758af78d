import type { FunctionSpec } from "../types.ts";
import { esModule, freeName } from "./generated-module.ts";
import type { WorkerdModule } from "./workerd-config.ts";

/** What the runtime calls a default export for. */
const HANDLERS = ["fetch", "queue", "scheduled", "email", "tail", "tailStream", "trace", "test"] as const;

/**
 * The modules that stand before a function's own. Where their default export is nothing that could take a request, an empty
 * handler takes its place: without one the runtime would pass requests on to whatever host they name, with the platform's
 * credentials in them. With `mode` "check" it fails where nothing in the function could ever be called, which the runtime
 * itself finds out with the first call; else its `queue()` tells what it fails with.
 */
export function mainModules(
  spec: FunctionSpec,
  modules: readonly WorkerdModule[],
  { mode, tellSource }: { readonly mode: "serve" | "check"; readonly tellSource: string },
): readonly WorkerdModule[] {
  const taken = new Set(modules.map((module) => module.name));
  const tell = freeName("tell-failures.js", taken);
  // Relative: one of the runtime's two registries of modules knows no absolute names.
  const main = JSON.stringify(`./${modules[0]?.name ?? ""}`);
  const source = `
    import { tellFailures } from ${JSON.stringify(`./${tell}`)};
    import { WorkerEntrypoint } from "cloudflare:workers";
    import * as main from ${main};
    export * from ${main};
    const worker = main.default;
    const isHandler =
      typeof worker === "function" ? worker.prototype instanceof WorkerEntrypoint : typeof worker === "object" && worker !== null;
    ${mode === "check" ? assertCallable(spec) : ""}
    export default isHandler ? ${mode === "serve" ? "tellFailures(worker)" : "worker"} : {};`;
  return [esModule(freeName("start.js", taken), source), esModule(tell, tellSource)];
}

function assertCallable(spec: FunctionSpec): string {
  const declared = JSON.stringify(spec.config.durableObjects.map(({ className }) => className));
  return `
    import { DurableObject, WorkflowEntrypoint } from "cloudflare:workers";
    const bases = [DurableObject, WorkerEntrypoint, WorkflowEntrypoint];
    const isEntrypoint = (one) => typeof one === "function" && bases.some((base) => one.prototype instanceof base);
    const isCallable =
      (isHandler &&
        (typeof worker === "function" || ${JSON.stringify(HANDLERS)}.some((one) => typeof worker[one] === "function"))) ||
      Object.entries(main).some(([name, one]) => name !== "default" && (${declared}.includes(name) || isEntrypoint(one)));
    if (!isCallable) {
      throw new Error(
        "Nothing in the main module can be called. Export a default object with fetch(), queue() or scheduled(), or a class that extends WorkerEntrypoint or DurableObject.",
      );
    }`;
}
