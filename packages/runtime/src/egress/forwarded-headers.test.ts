import { describe, expect, it } from "vitest";
import { createAllowedHosts } from "./allowed-hosts.ts";
import { outgoingHeaders } from "./forwarded-headers.ts";

const SENT = ["Accept", "*/*", "X-As-Dispatch-Token", "secret", "x-request-id", "1", "Host", "a.test"];

describe("headers on their way out", () => {
  it("carry a function's credential to the platform and to nobody else", () => {
    expect(outgoingHeaders(SENT, false)).toEqual(["Accept", "*/*", "x-request-id", "1"]);
    expect(outgoingHeaders(SENT, true)).toEqual([
      "Accept",
      "*/*",
      "X-As-Dispatch-Token",
      "secret",
      "x-request-id",
      "1",
    ]);
  });

  it("know the platform by host and port, not by what is merely allowed", () => {
    const hosts = createAllowedHosts("http://127.0.0.1:8787", ["api.test:80"]);
    const isPlatform = (url: string): boolean => hosts.isPlatform(new URL(url));
    expect(isPlatform("http://127.0.0.1:8787/internal/hooks/rpc")).toBe(true);
    expect(["http://127.0.0.1:8788/", "http://api.test/", "http://127.0.0.1.evil.test:8787/"].map(isPlatform)).toEqual([
      false,
      false,
      false,
    ]);
  });
});
