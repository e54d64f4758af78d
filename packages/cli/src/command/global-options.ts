import { flag, type OptionValues, text } from "./option.ts";

/** Taken by every command. */
export const GLOBAL_OPTIONS = {
  json: flag("Write JSON instead of text: one document, or one line per event for commands that stream"),
  yes: flag("Answer every confirmation with yes", { short: "y" }),
  verbose: flag("Show causes and stack traces of errors"),
  apiUrl: text("url", "Server to speak to, in place of AEROSTACK_API_URL and the configuration file"),
  project: text("project", "Project by slug or id, in place of the configuration file's"),
  config: text("file", "Configuration file, in place of the nearest aerostack.toml or wrangler file"),
} as const;

export type GlobalOptions = OptionValues<typeof GLOBAL_OPTIONS>;
