import { usageError } from "../command/cli-error.ts";
import type { CommandContext } from "../command/context.ts";
import { choice, flag, integer, text } from "../command/option.ts";

// Options that several commands take in the same words.

export const environmentOption = choice("environment", "Environment", ["staging", "production"], "production");
export const functionOption = text("name", "Function; by default the one of the configuration file");
export const dryRunOption = flag("Show what would happen and change nothing");
export const limitOption = integer("count", "Most entries to list", { min: 1, max: 200 }, 50);
export const cursorOption = text("cursor", "Where the list before ended; it is shown under a list that goes on");
export const databaseOption = text("name", "Database; by default the configuration file's, else main");
export const namespaceOption = text("name", "KV namespace; by default `default`");
export const bucketOption = text("name", "Bucket; by default `default`");

export async function chosenFunction(context: CommandContext, given: string | undefined): Promise<string> {
  const name = given ?? (await context.config())?.main.name;
  if (name !== undefined) return name;
  throw usageError("No function is named, and there is no configuration file here.", "Name one with --function.");
}

export async function chosenDatabase(context: CommandContext, given: string | undefined): Promise<string> {
  return given ?? (await context.config())?.database ?? "main";
}
