import type { Column } from "../output/table.ts";
import type { Terminal } from "../output/terminal.ts";

export interface ListPage {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
  /** Said in place of an empty table, as a sentence. */
  readonly empty: string;
  readonly nextCursor?: string | null | undefined;
}

/** A page of a list as every list command shows it. */
export function renderPage(terminal: Terminal, { columns, rows, empty, nextCursor }: ListPage): void {
  if (rows.length === 0) terminal.note(empty);
  else terminal.table(columns, rows);
  if (typeof nextCursor === "string") terminal.note(terminal.noteStyle.dim(`More: add --cursor ${nextCursor}`));
}
