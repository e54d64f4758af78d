import { ERRORS } from "@aerostack/contracts";
import { markdownTable } from "./markdown-table.ts";

/** The reference of all error codes, from the table that answers are made of. */
export function renderErrorsPage(): string {
  const rows = Object.entries(ERRORS)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([code, { status, message, fix }]) => [`\`${code}\``, String(status), message, fix]);
  return `# Error codes

Every error carries a code, a sentence and what the caller can do. Codes are stable. The sentence of an answer may be more
precise than the one here. This page is made by \`node scripts/generate-docs.ts\`.

${markdownTable(["Code", "Status", "Meaning", "What to do"], rows)}
`;
}
