import { resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Scenario } from "./scenario.ts";

export interface CommandLine {
  readonly scenarios: readonly Scenario[];
  readonly quick: boolean;
  /** Keep the result although it is not a whole run. */
  readonly save: boolean;
  readonly profileDir: string | null;
}

export class UsageError extends Error {}

export function usage(all: readonly Scenario[]): string {
  return [
    "Usage: npm run bench -- [scenario…] [--quick] [--save] [--profile <folder>]",
    "",
    ...all.map(({ name, title }) => `  ${name.padEnd(16)}${title}`),
    "",
    "  --quick             few short rounds: shows that everything runs, not how fast",
    "  --save              keep the result file of a quick or partial run too",
    "  --profile <folder>  CPU profiles (.cpuprofile) of our Node processes, and their busiest functions",
  ].join("\n");
}

/** @throws UsageError */
export function parseCommandLine(args: readonly string[], all: readonly Scenario[]): CommandLine {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        quick: { type: "boolean", default: false },
        save: { type: "boolean", default: false },
        profile: { type: "string" },
      },
    });
    const unknown = positionals.filter((wanted) => !all.some(({ name }) => name === wanted));
    if (unknown.length > 0) throw new UsageError(`There is no scenario '${unknown.join("', '")}'.`);
    return {
      scenarios: positionals.length === 0 ? all : all.filter(({ name }) => positionals.includes(name)),
      quick: values.quick,
      save: values.save,
      profileDir: values.profile === undefined ? null : resolve(values.profile),
    };
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(error instanceof Error ? error.message : String(error));
  }
}
