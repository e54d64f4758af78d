import type { FunctionSpec } from "../types.ts";
import type { WorkerdModule } from "./workerd-config.ts";

/** What the runtime calls a default export for. */
const HANDLERS = ["fetch", "queue", "scheduled", "email", "tail", "tailStream", "trace", "test"] as const;

/**
 * The first module of a function that is only checked: it loads the function's own and fails where nothing in it could ever
 * be called, which workerd itself finds out with the first call.
 */
export function checkModule(spec: FunctionSpec, modules: readonly WorkerdModule[]): WorkerdModule {
  const taken = new Set(modules.map((module) => module.name));
  let name = "check.js";
  while (taken.has(name)) name = `_${name}`;
  const main = JSON.stringify(`/${modules[0]?.name ?? ""}`);
  const classes = JSON.stringify(spec.config.durableObjects.map(({ className }) => className));
  const source = `
    import { DurableObject, WorkerEntrypoint, WorkflowEntrypoint } from "cloudflare:workers";
    import * as main from ${main};
    export * from ${main};
    const handlers = ${JSON.stringify(HANDLERS)};
    const declared = new Set(${classes});
    const bases = [DurableObject, WorkerEntrypoint, WorkflowEntrypoint];
    const isEntrypoint = (one) => typeof one === "function" && bases.some((base) => one.prototype instanceof base);
    const worker = main.default;
    const isCallable =
      typeof worker === "function" ||
      (typeof worker === "object" && worker !== null && handlers.some((one) => typeof worker[one] === "function")) ||
      Object.entries(main).some(([name, one]) => declared.has(name) || isEntrypoint(one));
    if (!isCallable) {
      throw new Error(
        "Nothing in the main module can be called. Export a default object with fetch(), queue() or scheduled(), or a class that extends WorkerEntrypoint or DurableObject.",
      );
    }
    export default worker ?? {};`;
  return { name, type: "esm", content: Buffer.from(source) };
}
