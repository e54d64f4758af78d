import { printable } from "./printable.ts";
import type { Terminal } from "./terminal.ts";

/** A unified diff in the colours of one, as a remark. */
export function renderDiff(terminal: Terminal, diff: string): void {
  const { noteStyle } = terminal;
  for (const line of printable(diff).trimEnd().split("\n")) {
    const isHeader = line.startsWith("---") || line.startsWith("+++") || line.startsWith("@@");
    const paint = isHeader
      ? noteStyle.dim
      : line.startsWith("-")
        ? noteStyle.danger
        : line.startsWith("+")
          ? noteStyle.success
          : undefined;
    terminal.note(`  ${paint === undefined ? line : paint(line)}`);
  }
}
