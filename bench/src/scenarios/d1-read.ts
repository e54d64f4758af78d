import { createBindingScenario } from "./binding-scenario.ts";

export const d1Read = createBindingScenario("d1-read", "D1 point read from a function");
