import { stripVTControlCharacters } from "node:util";

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });
// East Asian wide and full-width blocks, and pictographs: two columns in a terminal.
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
// Printable ASCII is the fast path.
const ASCII = /^[\x20-\x7e]*$/;

/** Terminal columns that `text` takes; colour codes take none. */
export function displayWidth(text: string): number {
  const visible = stripVTControlCharacters(text);
  if (ASCII.test(visible)) return visible.length;
  let width = 0;
  for (const { segment } of segmenter.segment(visible)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}

/** `text` without colour codes, cut to `columns` with an ellipsis where it is longer. */
export function truncate(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let width = 0;
  let kept = "";
  for (const { segment } of segmenter.segment(text)) {
    width += WIDE.test(segment) ? 2 : 1;
    if (width > columns - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}
