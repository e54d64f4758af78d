import { describe, expect, it } from "vitest";
import { createClientAddressReader } from "./client-address.ts";

describe("the client's address", () => {
  it("is the peer's when no proxy is trusted, whatever the header says", () => {
    const read = createClientAddressReader(undefined);
    expect(read({ remoteAddress: "203.0.113.9", forwardedFor: "1.1.1.1" })).toBe("203.0.113.9");
    expect(read({ remoteAddress: "::ffff:203.0.113.9", forwardedFor: undefined })).toBe("203.0.113.9");
  });

  it("is the one that the proxy in front added, not one that the client wrote before it", () => {
    const read = createClientAddressReader(["true"]);
    expect(read({ remoteAddress: "10.0.0.1", forwardedFor: "6.6.6.6, 203.0.113.9" })).toBe("203.0.113.9");
    expect(read({ remoteAddress: "10.0.0.1", forwardedFor: "nonsense" })).toBe("10.0.0.1");
  });

  it("is found behind several named proxies", () => {
    const read = createClientAddressReader(["10.0.0.0/8", "2001:db8::/32"]);
    const forwardedFor = "6.6.6.6, 203.0.113.9, [2001:db8::7]:443, 10.1.2.3";
    expect(read({ remoteAddress: "10.0.0.1", forwardedFor })).toBe("203.0.113.9");
    expect(read({ remoteAddress: "198.51.100.4", forwardedFor })).toBe("198.51.100.4");
    expect(read({ remoteAddress: "10.0.0.1", forwardedFor: undefined })).toBe("10.0.0.1");
  });
});
