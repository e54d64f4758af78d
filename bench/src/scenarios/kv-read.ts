import { createBindingScenario } from "./binding-scenario.ts";

export const kvRead = createBindingScenario("kv-read", "KV read from a function");
