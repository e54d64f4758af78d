import { fileURLToPath } from "node:url";

/** The module that workerd loads as `aerostack-internal:d1`, around its own D1 client. */
export const d1BindingModulePath: string = fileURLToPath(new URL("./d1-binding-module.js", import.meta.url));
