import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createEnvelope } from "./envelope.ts";

const first = { id: "mk_1", key: randomBytes(32) };
const second = { id: "mk_2", key: randomBytes(32) };

describe("envelope", () => {
  it("opens what it sealed, and seals the same text differently each time", () => {
    const envelope = createEnvelope([first]);
    const sealed = envelope.seal("sk_live_secret", "project:p:secret:A");
    expect(envelope.open(sealed, "project:p:secret:A")).toBe("sk_live_secret");
    expect(envelope.seal("sk_live_secret", "project:p:secret:A")).not.toBe(sealed);
    expect(sealed).not.toContain(Buffer.from("sk_live_secret").toString("base64url"));
  });

  it("does not open a value that was moved to another context", () => {
    const envelope = createEnvelope([first]);
    const sealed = envelope.seal("value", "project:a:secret:A");
    expect(() => envelope.open(sealed, "project:b:secret:A")).toThrow();
  });

  it("does not open a value of which any character was changed", () => {
    const envelope = createEnvelope([first]);
    const sealed = envelope.seal("value", "context");
    for (let index = 0; index < sealed.length - 1; index += 3) {
      const other = sealed[index] === "A" ? "B" : "A";
      expect(() => envelope.open(sealed.slice(0, index) + other + sealed.slice(index + 1), "context")).toThrow();
    }
  });

  it("moves a value to the newest master key without its plaintext changing", () => {
    const sealed = createEnvelope([first]).seal("value", "context");
    const both = createEnvelope([second, first]);
    expect(both.open(sealed, "context")).toBe("value");
    expect(sealed.startsWith(both.newestPrefix)).toBe(false);
    const rotated = both.rotate(sealed, "context");
    expect(rotated.startsWith(both.newestPrefix)).toBe(true);
    expect(both.rotate(rotated, "context")).toBe(rotated);
    expect(createEnvelope([second]).open(rotated, "context")).toBe("value");
    expect(() => createEnvelope([second]).open(sealed, "context")).toThrow("mk_1");
  });
});
