export interface BannerFacts {
  readonly origin: string;
  /** Undefined once an admin exists. */
  readonly setupToken: string | undefined;
  readonly dataDir: string;
  readonly version: string;
  readonly startMs: number;
}

/** What the server prints when it is ready: at most eight lines, the very next step last. */
export function renderBanner({ origin, setupToken, dataDir, version, startMs }: BannerFacts): string {
  const start =
    setupToken === undefined ? ["API docs", `${origin}/api/docs`] : ["Set up", `${origin}/setup#token=${setupToken}`];
  const next = setupToken === undefined ? "npx aerostack login" : "open the set-up link in a browser";
  return [
    `Aerostack ${version} is ready after ${Math.round(startMs)} ms.`,
    row(...(start as [string, string])),
    row("API", `${origin}/api/v1`),
    row("MCP", `${origin}/api/mcp`),
    row("Data", dataDir),
    row("Next", next),
  ].join("\n");
}

function row(label: string, value: string): string {
  return `  ${label.padEnd(10)}${value}`;
}
