import { createManualClock } from "@aerostack/kernel";
import { describe, expect, it } from "vitest";
import { createDispatchTokens } from "./dispatch-token.ts";

const key = new Uint8Array(32).fill(7);
const MINUTE = 60_000;

describe("dispatch tokens", () => {
  it("hold for their project alone, for at least fifteen minutes and not for seventeen", () => {
    const clock = createManualClock(1_800_000_000_000);
    const tokens = createDispatchTokens(key, clock);
    const token = tokens.issue("prj_a");
    expect(tokens.verify("prj_a", token)).toBe(true);
    expect(tokens.verify("prj_b", token)).toBe(false);
    clock.advance(15 * MINUTE - 1);
    expect(tokens.verify("prj_a", token)).toBe(true);
    clock.advance(2 * MINUTE);
    expect(tokens.verify("prj_a", token)).toBe(false);
    expect(tokens.verify("prj_a", tokens.issue("prj_a"))).toBe(true);
  });

  it.each(["", ".", "x", "zzzzzz.", "zzzzzz.AAAA"])("refuse %j", (token) => {
    expect(createDispatchTokens(key, createManualClock(0)).verify("prj_a", token)).toBe(false);
  });

  it("refuse a token whose expiry was moved", () => {
    const tokens = createDispatchTokens(key, createManualClock(1_800_000_000_000));
    const [, signature] = tokens.issue("prj_a").split(".");
    expect(tokens.verify("prj_a", `zzzzzz.${signature}`)).toBe(false);
  });
});
