import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { keyChecksum } from "./key-checksum.ts";
import { mayBeKey, newKey } from "./new-key.ts";

describe("a new key", () => {
  it("has the form that the guide tells secret scanners to look for", () => {
    const guide = readFileSync(new URL("../../../../../docs/guides/keys.md", import.meta.url), "utf8");
    const documented = new Map([...guide.matchAll(/`(\\b(ak|sk)_[^`]+)`/g)].map(([, form = "", kind]) => [kind, form]));
    for (const kind of ["ak", "sk"]) {
      const { secret, prefix } = newKey(kind);
      expect(`text ${secret} text`).toMatch(new RegExp(documented.get(kind) ?? "the guide shows no expression"));
      expect(secret.startsWith(prefix)).toBe(true);
      expect(prefix).toHaveLength(9);
    }
  });

  it("ends with a checksum that tells a key from text that looks like one", () => {
    const { secret } = newKey("sk");
    expect(mayBeKey(secret)).toBe(true);
    for (let at = 3; at < secret.length; at++) {
      const other = `${secret.slice(0, at)}${secret[at] === "x" ? "y" : "x"}${secret.slice(at + 1)}`;
      expect(mayBeKey(other), other).toBe(false);
    }
    // The letters before the underscore are part of it: a public key made a secret one is none.
    expect(mayBeKey(`pk${secret.slice(2)}`)).toBe(false);
  });

  it("is told apart from the keys of before, which have no checksum and stay valid", () => {
    expect(mayBeKey(`sk_${"a".repeat(40)}`)).toBe(true);
  });

  it("has the checksum of the reference vector", () => {
    // CRC-32 of "123456789" is 0xCBF43926.
    expect(keyChecksum("123456789")).toBe(base62(0xcbf43926));
  });
});

function base62(value: number): string {
  const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  let text = "";
  for (let rest = value; rest > 0; rest = Math.floor(rest / 62)) text = digits.charAt(rest % 62) + text;
  return text.padStart(6, "0");
}
