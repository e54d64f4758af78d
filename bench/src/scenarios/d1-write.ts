import { createBindingScenario } from "./binding-scenario.ts";

export const d1Write = createBindingScenario("d1-write", "D1 single-row insert from a function");
