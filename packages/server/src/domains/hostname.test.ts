import { describe, expect, it } from "vitest";
import { hostnameOfRequest, normaliseHostname } from "./hostname.ts";

describe("the name of a custom domain", () => {
  it.each([
    ["shop.example.com", "shop.example.com"],
    ["Shop.EXAMPLE.com.", "shop.example.com"],
    ["bücher.example", "xn--bcher-kva.example"],
    ["BÜCHER.example", "xn--bcher-kva.example"],
    ["xn--bcher-kva.example", "xn--bcher-kva.example"],
    ["shop。example．com", "shop.example.com"],
    ["ｓｈｏｐ.example", "shop.example"],
  ])("%s is stored as %s", (text, stored) => {
    expect(normaliseHostname(text)).toBe(stored);
  });

  it.each([
    ["a wildcard", "*.example.com"],
    ["a star within", "a*.example.com"],
    ["one label", "localhost"],
    ["one label", "com"],
    ["an address", "192.0.2.1"],
    ["an address in another notation", "0x7f.1"],
    ["an address of full-width digits", "１２７.0.0.1"],
    ["an IPv6 address", "[::1]"],
    ["a port", "shop.example:443"],
    ["a URL", "https://shop.example"],
    ["a path", "shop.example/x"],
    ["a user", "user@shop.example"],
    ["an escape", "shop%2eexample.com"],
    ["a line break", "shop.example\r\nhost: x"],
    ["a NUL", "shop.example\0.com"],
    ["two final dots", "shop.example.."],
    ["an empty label", "shop..example"],
    ["a label that is too long", `${"a".repeat(64)}.example`],
    ["a name that is too long", `${"a.".repeat(130)}example`],
    ["a hyphen at the edge", "-shop.example"],
    ["an underscore", "_dmarc.example.com"],
    ["broken punycode", "xn--a.example"],
    ["a local name", "printer.local"],
    ["a local name", "a.b.internal"],
    ["nothing", ""],
    ["a dot", "."],
  ])("is refused where it is %s: %s", (_, text) => {
    expect(() => normaliseHostname(text)).toThrow(expect.objectContaining({ code: "VALIDATION_ERROR" }));
  });
});

describe("the hostname that a request names", () => {
  it.each([
    ["shop.example", "shop.example"],
    ["SHOP.Example:8443", "shop.example"],
    ["shop.example.", "shop.example"],
    ["shop.example.:443", "shop.example"],
    ["xn--bcher-kva.example", "xn--bcher-kva.example"],
  ])("%s is read as %s", (host, name) => {
    expect(hostnameOfRequest(host)).toBe(name);
  });

  it.each([
    undefined,
    "",
    "localhost",
    "127.0.0.1.:x",
    "[::1]:80",
    "shop.example:",
    "shop.example:99999999",
    "shop.example:80:80",
    "shop.example..",
    "shop.example/",
    "shop.example@evil.example",
    "shop.example, evil.example",
    "shop.example\tevil.example",
    "bücher.example",
    "a".repeat(400),
  ])("%s is none", (host) => {
    expect(hostnameOfRequest(host)).toBeNull();
  });
});
