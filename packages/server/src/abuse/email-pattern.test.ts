import { describe, expect, it } from "vitest";
import { emailPattern } from "./email-pattern.ts";

describe("P12 what addresses have in common", () => {
  it("is all but the digits, or all but the tag", () => {
    for (const [email, pattern] of [
      ["user1@example.com", "user#@example.com"],
      ["user22@example.com", "user#@example.com"],
      ["a1b22c@example.com", "a#b#c@example.com"],
      ["ada+1@example.com", "ada+#@example.com"],
      ["ada7+shop@example.com", "ada#+#@example.com"],
      ["ada@example.com", null],
      ["ada@mail7.example.com", null],
      ["", null],
      [null, null],
    ] as const) {
      expect(emailPattern(email), String(email)).toBe(pattern);
    }
  });
});
