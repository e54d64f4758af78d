import { describe, expect, it } from "vitest";
import { COMMON_PASSWORDS } from "./common-password-set.ts";
import { guessableBy } from "./guessable-password.ts";

describe("guessable passwords", () => {
  it("has more than the 3,000 most used that rules let through, which are refused in any case and with symbols at the end", async () => {
    expect(COMMON_PASSWORDS.size).toBeGreaterThan(10_000);
    for (const password of [
      "password1",
      "Password1",
      "PASSWORD1!",
      "Password1!!",
      "qwerty123",
      "iloveyou2",
      "1q2w3e4r5t",
    ]) {
      expect(await guessableBy(password, []), password).toContain("used most");
    }
  });

  it.each([
    ["Lovelace1815", ["ada.lovelace@example.com"]],
    ["Ada.Lovelace-1815", ["ada.lovelace@example.com"]],
    ["1-Analytical-Engines!", ["Analytical Engines"]],
    ["Aerostack2026", ["aerostack"]],
    ["ＬＯＶＥＬＡＣＥ1", ["lovelace@example.com"]],
    ["xLovelaceLovelace1", ["lovelace@example.com", null, undefined]],
  ])("%s is hardly more than what is known: %j", async (password, about) => {
    expect(await guessableBy(password, about)).toContain("hardly more than");
    expect(await guessableBy(password, ["somebody@example.org"])).toBeNull();
  });

  it.each([
    ["Correct-Horse-7", ["ada.lovelace@example.com", "Shop"]],
    ["Lovelace-wrote-notes-1", ["ada.lovelace@example.com"]],
    ["Adamant-Rock-7", ["ada@example.com"]],
    ["7-Zähe-Igel", []],
  ])("lets %s through", async (password, about) => {
    expect(await guessableBy(password, about)).toBeNull();
  });
});
