import { createTwoFilesPatch } from "diff";

/** Lines that differ, at most: finding them takes time that grows with their square. */
const MAX_EDITS = 1_000;
const MAX_DIFF_CHARACTERS = 20_000;
const CONTEXT_LINES = 3;

export interface TextVersion {
  readonly label: string;
  readonly text: string;
}

/** What changed from one text to another, as a unified diff; cut where it grows long. */
export function unifiedDiff(before: TextVersion, after: TextVersion): string {
  const patch = createTwoFilesPatch(before.label, after.label, before.text, after.text, undefined, undefined, {
    context: CONTEXT_LINES,
    maxEditLength: MAX_EDITS,
    headerOptions: { includeIndex: false, includeUnderline: false, includeFileHeaders: true },
  });
  if (patch === undefined) return `--- ${before.label}\n+++ ${after.label}\n(too different to show)\n`;
  return patch.length <= MAX_DIFF_CHARACTERS ? patch : `${patch.slice(0, MAX_DIFF_CHARACTERS)}\n(cut here)\n`;
}
