import { describe, expect, it } from "vitest";
import { oneLine } from "./one-line.ts";

describe("text of others on one line", () => {
  it.each([
    ["keeps what is fit, of any script", "größe 👨‍👩‍👧 מספר 42", "größe 👨‍👩‍👧 מספר 42"],
    ["puts a space for line breaks and other control characters", "a\r\n\tb\u0000c\u001b[31md\u009be", "a b c [31md e"],
    ["leaves out what separates lines or turns the direction of text", "a\u2028b\u2029c\u202ed\u2066e", "a b c d e"],
    ["mends half of a character", "a\ud83d!", "a\ufffd!"],
    ["makes nothing of nothing", "\n\u0000 ", ""],
  ])("%s", (_what, text, line) => {
    expect(oneLine(text, 100)).toBe(line);
  });

  it.each([
    "x".repeat(64),
    "x".repeat(65),
    "ü".repeat(1000),
    "€".repeat(22),
    "😀".repeat(50),
    "\ud83d".repeat(100),
    `${"x".repeat(60)}😀😀`,
    "x".repeat(1_000_000),
  ])("is never longer than it may be, and ends with a whole character (%#)", (text) => {
    const line = oneLine(text, 64);
    expect(Buffer.byteLength(line)).toBeLessThanOrEqual(64);
    expect(line.isWellFormed()).toBe(true);
    const isWhole = line === text;
    expect(isWhole || line.endsWith("…")).toBe(true);
    expect(Buffer.byteLength(line)).toBeGreaterThan(64 - 5);
  });
});
