/** Sets a top-level string of a TOML text and leaves everything else, comments too, as it is. */
export function setTopLevelString(toml: string, key: string, value: string): string {
  const line = `${key} = ${JSON.stringify(value)}`;
  const lines = toml.split("\n");
  const firstTable = lines.findIndex((text) => /^\s*\[/.test(text));
  const end = firstTable === -1 ? lines.length : firstTable;
  const at = lines.findIndex((text, index) => index < end && new RegExp(`^\\s*${key}\\s*=`).test(text));
  if (at !== -1) return lines.with(at, line).join("\n");
  const afterName = lines.findIndex((text, index) => index < end && /^\s*name\s*=/.test(text));
  return lines.toSpliced(afterName + 1, 0, line).join("\n");
}
