import { displayWidth, truncate } from "./display-width.ts";
import type { Style } from "./style.ts";

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
  readonly paint?: (text: string) => string;
}

const GAP = "  ";
const NARROWEST_COLUMN = 6;

/**
 * Aligned columns under dim titles. Cells must be printable and on one line. When the table is wider than `maxColumns`,
 * its widest columns are cut with an ellipsis; undefined means no limit (a pipe).
 */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  style: Style,
  maxColumns: number | undefined,
): string[] {
  const widths = columns.map((column, index) =>
    rows.reduce((widest, row) => Math.max(widest, displayWidth(row[index] ?? "")), displayWidth(column.title)),
  );
  if (maxColumns !== undefined) shrink(widths, maxColumns - GAP.length * (columns.length - 1));

  const last = columns.length - 1;
  function cell(value: string, index: number): string {
    const width = widths[index] ?? 0;
    const shown = truncate(value, width);
    const padding = " ".repeat(Math.max(0, width - displayWidth(shown)));
    if (columns[index]?.align === "right") return padding + shown;
    return index === last ? shown : shown + padding;
  }

  const head = columns.map((column, index) => style.dim(cell(column.title, index))).join(GAP);
  const body = rows.map((row) =>
    columns
      .map((column, index) => {
        const shown = cell(row[index] ?? "", index);
        return column.paint === undefined ? shown : column.paint(shown);
      })
      .join(GAP)
      .trimEnd(),
  );
  return [head.trimEnd(), ...body];
}

/** Takes columns from the widest until the sum fits, leaving each readable. */
function shrink(widths: number[], available: number): void {
  let excess = widths.reduce((sum, width) => sum + width, 0) - available;
  while (excess > 0) {
    const widest = Math.max(...widths);
    if (widest <= NARROWEST_COLUMN) return;
    const index = widths.indexOf(widest);
    const second = Math.max(NARROWEST_COLUMN, ...widths.filter((width) => width < widest));
    const cut = Math.min(excess, Math.max(1, widest - second));
    widths[index] = widest - cut;
    excess -= cut;
  }
}

/** `Label  value` lines with the labels aligned and dim. */
export function formatPairs(pairs: readonly (readonly [label: string, value: string])[], style: Style): string[] {
  const width = pairs.reduce((widest, [label]) => Math.max(widest, displayWidth(label)), 0);
  return pairs.map(([label, value]) => `${style.dim(label.padEnd(width))}${GAP}${value}`.trimEnd());
}
