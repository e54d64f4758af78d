import { markdownTable } from "./markdown-table.ts";
import { SETTING_GROUPS, SETTINGS, type Setting } from "./settings.ts";

/** The reference of all settings, from the table that the server itself reads. */
export function renderConfigurationPage(): string {
  const settings = Object.values(SETTINGS) as readonly Setting[];
  const sections = SETTING_GROUPS.map((group) => {
    const rows = settings
      .filter((setting) => setting.group === group)
      .map((setting) => [
        `\`${setting.variable}\``,
        defaultOf(setting),
        setting.allowed,
        setting.description + (setting.secret ? " May hold a credential: never printed." : ""),
      ]);
    return `## ${group}\n\n${markdownTable(["Variable", "Default", "Allowed", "What it does"], rows)}`;
  });
  return `# Configuration

Settings are environment variables, read once at start. None is needed. A value that is not allowed stops the start with the
variable's name, what was found and what is allowed. This page is made by \`node scripts/generate-docs.ts\`.

${sections.join("\n\n")}
`;
}

function defaultOf({ fallback }: Setting): string {
  if (fallback === null) return "not set";
  return fallback === "" ? "empty" : `\`${fallback}\``;
}
