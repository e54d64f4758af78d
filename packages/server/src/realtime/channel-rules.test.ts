import type { RealtimeRule } from "@aerostack/contracts";
import { describe, expect, it } from "vitest";
import type { VerifiedEndUser } from "../endusers/sessions/token-verifier.ts";
import { findRule, passesRule } from "./channel-rules.ts";

const rule = (pattern: string): RealtimeRule => ({ pattern, listen: "public", publish: "none" });
const found = (patterns: readonly string[], name: string) => findRule(patterns.map(rule), name)?.rule.pattern;

describe("the rule of a topic", () => {
  it.each([
    ["room/lobby", "room/lobby"],
    ["room/other", "room/{id}"],
    ["room/a/b", "room/*"],
    ["user/u1/inbox", "user/{userId}/inbox"],
    ["user/u1/else", "*"],
    ["room", "*"],
    ["anything", "*"],
  ])("for %s is the most exact that fits: %s", (name, pattern) => {
    const patterns = ["*", "room/*", "room/{id}", "room/lobby", "user/{userId}/inbox"];
    expect(found(patterns, name)).toBe(pattern);
    expect(found([...patterns].reverse(), name)).toBe(pattern);
  });

  it("is none where no pattern fits as a whole", () => {
    expect(found(["room/{id}", "user/{userId}/inbox"], "room/a/b")).toBeUndefined();
    expect(found(["room/*"], "room")).toBeUndefined();
    expect(found([], "room")).toBeUndefined();
  });

  it("lets pass whom it names: everybody, users, the one user of the topic, nobody", () => {
    const user = { userId: "u1" } as VerifiedEndUser;
    const { userId } = findRule([rule("user/{userId}/inbox")], "user/u1/inbox") ?? { userId: null };
    const pass = (who: RealtimeRule["listen"], asked: VerifiedEndUser | null, owner = userId) =>
      passesRule(who, owner, { access: "public", user: asked });
    expect([pass("public", null), pass("signed-in", null), pass("owner", null), pass("none", user)]).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect([
      pass("signed-in", user),
      pass("owner", user),
      pass("owner", user, "u2"),
      pass("owner", user, null),
    ]).toEqual([true, true, false, false]);
  });
});
