import type { FunctionSpec } from "../types.ts";
import type { WorkerdModule } from "./workerd-config.ts";

/** What the runtime calls a default export for. */
const HANDLERS = ["fetch", "queue", "scheduled", "email", "tail", "tailStream", "trace", "test"] as const;

/**
 * The module that stands before a function's own. Where their default export is nothing that could take a request, an empty
 * handler takes its place: without one the runtime would pass requests on to whatever host they name, with the platform's
 * credentials in them. With `mode` "check" it fails where nothing in the function could ever be called, which the runtime
 * itself finds out with the first call.
 */
export function mainModule(
  spec: FunctionSpec,
  modules: readonly WorkerdModule[],
  mode: "serve" | "check",
): WorkerdModule {
  const taken = new Set(modules.map((module) => module.name));
  let name = "start.js";
  while (taken.has(name)) name = `_${name}`;
  // Relative: one of the runtime's two registries of modules knows no absolute names.
  const main = JSON.stringify(`./${modules[0]?.name ?? ""}`);
  const source = `
    import { WorkerEntrypoint } from "cloudflare:workers";
    import * as main from ${main};
    export * from ${main};
    const worker = main.default;
    const isHandler =
      typeof worker === "function" ? worker.prototype instanceof WorkerEntrypoint : typeof worker === "object" && worker !== null;
    ${mode === "check" ? assertCallable(spec) : ""}
    export default isHandler ? worker : {};`;
  return { name, type: "esm", content: Buffer.from(source) };
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
