/** What a spreadsheet takes for the start of a formula, in the wide forms of East Asian keyboards too. */
const FORMULA_START = /^[\s"']*[=+\-@|%＝＋－＠]|^[\t\r\n]/u;

/**
 * One line of CSV (RFC 4180). Every cell is quoted, and one that a spreadsheet would run as a formula begins with an
 * apostrophe, which makes it text: what strangers wrote must not run where the file is opened.
 */
export function csvLine(cells: readonly (string | number | null)[]): string {
  return `${cells.map(csvCell).join(",")}\r\n`;
}

function csvCell(value: string | number | null): string {
  if (value === null) return '""';
  if (typeof value === "number") return `"${value}"`;
  const safe = FORMULA_START.test(value) ? `'${value}` : value;
  return `"${safe.replaceAll('"', '""')}"`;
}
