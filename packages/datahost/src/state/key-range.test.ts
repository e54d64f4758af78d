import { describe, expect, test } from "vitest";
import { prefixEnd } from "./key-range.ts";

describe("prefixEnd", () => {
  test.each([
    ["a", "b"],
    ["user:", "user;"],
    ["a\u{10ffff}", "b"],
    ["\ud7ff", "\ue000"],
    ["é", "ê"],
    ["😀", "😁"],
  ])("after everything with prefix %j comes %j", (prefix, end) => {
    expect(prefixEnd(prefix)).toBe(end);
  });

  test.each(["", "\u{10ffff}", "\u{10ffff}\u{10ffff}"])("nothing comes after %j", (prefix) => {
    expect(prefixEnd(prefix)).toBeUndefined();
  });

  test("sorts after every text with the prefix, and before every other text after it, byte by byte", () => {
    const texts = ["", "a", "a\u{10ffff}b", "a\uffff", "a😀", "b", "\ud7ffz", "\ue000", "😀", "😀x", "😁"];
    const bytes = (text: string) => Buffer.from(text);
    for (const prefix of texts) {
      const end = prefixEnd(prefix);
      for (const text of texts) {
        const inRange =
          Buffer.compare(bytes(text), bytes(prefix)) >= 0 &&
          (end === undefined || Buffer.compare(bytes(text), bytes(end)) < 0);
        expect(inRange, `${text} in ${prefix}`).toBe(text.startsWith(prefix));
      }
    }
  });
});
