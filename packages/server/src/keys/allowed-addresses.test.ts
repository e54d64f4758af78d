import { describe, expect, it } from "vitest";
import { createAddressTest, isAddressRange } from "./allowed-addresses.ts";

describe("the addresses that a key may be used from", () => {
  it("are taken as addresses and networks of both families, and nothing else", () => {
    for (const text of ["192.0.2.1", "192.0.2.0/24", "0.0.0.0/0", "2001:db8::1", "2001:db8::/32", "::/0", "::1/128"]) {
      expect(isAddressRange(text), text).toBe(true);
    }
    for (const text of [
      "",
      "192.0.2",
      "192.0.2.1/33",
      "192.0.2.1/-1",
      "192.0.2.1/",
      "192.0.2.1/08",
      "192.0.2.1/24/1",
      "2001:db8::/129",
      "fe80::1%eth0",
      "example.com",
      "192.0.2.1 ",
      "010.0.0.1",
      "*",
    ]) {
      expect(isAddressRange(text), text).toBe(false);
    }
  });

  it("are compared as numbers, in every way to write an address", () => {
    const test = createAddressTest(["192.0.2.0/24", "198.51.100.7", "2001:db8:1::/48"]);
    for (const address of ["192.0.2.0", "192.0.2.255", "198.51.100.7", "2001:db8:1::1", "2001:0DB8:0001:0:0:0:0:ff"]) {
      expect(test(address), address).toBe(true);
    }
    for (const address of ["192.0.3.0", "198.51.100.8", "2001:db8:2::1", "::1", "", "unknown", "192.0.2.1, 1.1.1.1"]) {
      expect(test(address), address).toBe(false);
    }
  });
});
