import { describe, expect, it } from "vitest";
import { parseCustomAddress, parseHostAddress, parsePathAddress } from "./function-address.ts";

describe("the path form", () => {
  it.each([
    [
      "/f/shop/api",
      { project: "shop", functionName: "api", environment: "production", path: "/", prefix: "/f/shop/api" },
    ],
    ["/f/shop/api/", { path: "/", prefix: "/f/shop/api" }],
    ["/f/shop/api?x=/1", { path: "/?x=/1", functionName: "api" }],
    ["/f/shop/api/a//b?q", { path: "/a//b?q" }],
    ["/f/shop/api--staging/a", { functionName: "api", environment: "staging", path: "/a" }],
  ])("reads %s", (url, expected) => {
    expect(parsePathAddress(url)).toMatchObject(expected);
  });

  it.each(["/f/", "/f/shop", "/f/shop/", "/f//api/x", "/f/shop?x=/api/y", "/v1/f/shop/api"])("refuses %s", (url) => {
    expect(parsePathAddress(url)).toBeNull();
  });
});

describe("the host form", () => {
  it("reads function, project and environment, whatever the port and case", () => {
    expect(parseHostAddress("API.Shop.localhost:8787", "/x?y", "localhost")).toEqual({
      project: "shop",
      functionName: "api",
      environment: "production",
      path: "/x?y",
      prefix: "",
    });
    expect(parseHostAddress("api--staging.shop.apps.example.com", "/", "apps.example.com")?.environment).toBe(
      "staging",
    );
  });

  it.each([
    undefined,
    "localhost:8787",
    "shop.localhost",
    "a.b.c.localhost",
    ".b.localhost",
    "a..localhost",
    "a.b.evillocalhost",
    "127.0.0.1:8787",
  ])("leaves %s alone", (host) => {
    expect(parseHostAddress(host, "/", "localhost")).toBeNull();
  });
});

describe("the custom form", () => {
  it("takes the slug and keeps the rest of the path", () => {
    expect(parseCustomAddress("/v1/custom/hello?x=1")).toMatchObject({ functionName: "hello", path: "/?x=1" });
    expect(parseCustomAddress("/api/v1/custom/hello/deep/er")).toMatchObject({
      functionName: "hello",
      path: "/deep/er",
    });
    expect(parseCustomAddress("/v1/custom/")).toBeNull();
  });
});
