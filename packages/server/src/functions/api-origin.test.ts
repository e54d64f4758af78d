import { describe, expect, it } from "vitest";
import { assetHeadersOnApiOrigin, confineCookie, handshakeOnApiOrigin, PAGE_SANDBOX } from "./api-origin.ts";
import { functionResponseHeaders } from "./forwarded-headers.ts";

const PREFIX = "/f/shop/site";

describe("a function's cookie on the API's origin", () => {
  it.each([
    ["a=1", "a=1; Path=/f/shop/site"],
    ["a=1; Path=/", "a=1; Path=/f/shop/site"],
    ["a=1; Path=/api/auth; HttpOnly", "a=1; HttpOnly; Path=/f/shop/site/api/auth"],
    ["a=1;path = /api/auth;Secure", "a=1;Secure; Path=/f/shop/site/api/auth"],
    ["a=1; Path=/f/shop/site/admin", "a=1; Path=/f/shop/site/admin"],
    ["a=1; Path=/f/shop/sitemap", "a=1; Path=/f/shop/site/f/shop/sitemap"],
    ["a=1; Path=/x; Path=/api", "a=1; Path=/f/shop/site/api"],
    ["a=1; Path=api", "a=1; Path=/f/shop/site"],
    ["a=1; Domain=example.com; SameSite=None", "a=1; SameSite=None; Path=/f/shop/site"],
    ["a=1; DOMAIN; Path", "a=1; Path=/f/shop/site"],
    // Without a name, what looks like an attribute is the cookie.
    ["Path=/api", "Path=/api; Path=/f/shop/site"],
    ["", "; Path=/f/shop/site"],
  ])("%j stays below the function's address", (sent, kept) => {
    expect(confineCookie(sent, PREFIX)).toBe(kept);
  });
});

describe("a function's answer on the API's origin", () => {
  const sent = [
    ["content-type", "text/html"],
    ["content-security-policy", "default-src *"],
    ["set-cookie", "a=1; Path=/api"],
    ["set-cookie", "b=2"],
    ["clear-site-data", '"cookies"'],
    ["strict-transport-security", "max-age=0"],
    ["nel", "{}"],
    ["service-worker-allowed", "/"],
  ].flat();

  it("has an opaque origin beside the policy of its own, and speaks for no other path", () => {
    expect(functionResponseHeaders(sent, { "x-request-id": "r" }, PREFIX)).toEqual(
      [
        ["content-type", "text/html"],
        ["content-security-policy", "default-src *"],
        ["set-cookie", "a=1; Path=/f/shop/site/api"],
        ["set-cookie", "b=2; Path=/f/shop/site"],
        ["x-request-id", "r"],
        ["content-security-policy", PAGE_SANDBOX],
      ].flat(),
    );
    expect(PAGE_SANDBOX).not.toContain("allow-same-origin");
  });

  it("is passed on as it is where the function has a host of its own", () => {
    expect(functionResponseHeaders(sent, {}, "")).toEqual(sent);
  });

  it("has the same as a static file, whose policy of its own is kept", () => {
    const headers = { "content-type": "text/html", "set-cookie": "a=1", "clear-site-data": "*" };
    expect(assetHeadersOnApiOrigin(headers)).toEqual({
      "access-control-allow-origin": "*",
      "content-type": "text/html",
      "content-security-policy": PAGE_SANDBOX,
    });
    expect(
      assetHeadersOnApiOrigin({ "content-security-policy": "img-src *", "access-control-allow-origin": "https://a" }),
    ).toEqual({
      "access-control-allow-origin": "https://a",
      "content-security-policy": `img-src *, ${PAGE_SANDBOX}`,
    });
  });

  it("sets no cookie by the handshake of a WebSocket", () => {
    const head =
      "HTTP/1.1 101 Switching Protocols\r\nSet-Cookie: a=1; Path=/api\r\nX-Set-Cookie: b\r\nset-cookie: c=1\r\n\r\n";
    expect(handshakeOnApiOrigin(head)).toBe("HTTP/1.1 101 Switching Protocols\r\nX-Set-Cookie: b\r\n\r\n");
  });
});
