import { AerostackError } from "@aerostack/contracts";
import { describe, expect, it } from "vitest";
import { canonicalNetwork, isInNetworks, listOfNetworks, touchesLoopback } from "./network-subject.ts";

describe("P12 a network that is blocked", () => {
  it("has one form, however it is written", () => {
    for (const [written, form] of [
      ["192.0.2.7", "192.0.2.7/32"],
      ["192.0.2.7/24", "192.0.2.0/24"],
      ["192.0.2.255/31", "192.0.2.254/31"],
      ["2001:DB8::1", "2001:db8::1/128"],
      ["2001:0db8:0:0:0:0:0:1/64", "2001:db8::/64"],
      ["2001:db8:ffff::/33", "2001:db8:8000::/33"],
      ["64:ff9b::192.0.2.1", "64:ff9b::c000:201/128"],
      ["::2", "::2/128"],
    ] as const) {
      expect(canonicalNetwork(written), written).toBe(form);
      const [address = ""] = written.split("/");
      expect(isInNetworks(listOfNetworks([form]), address), written).toBe(true);
    }
    expect(isInNetworks(listOfNetworks(["2001:db8:8000::/33"]), "2001:db8:7fff::1")).toBe(false);
  });

  it("is refused where it is none, or so wide that nobody means it", () => {
    for (const text of [
      "",
      "localhost",
      "192.0.2",
      "192.0.2.0/33",
      "192.0.2.0/024",
      "192.0.2.0/24/8",
      "10.0.0.0/7",
      "0.0.0.0/0",
      "::/0",
      "2001:db8::/19",
      "fe80::1%eth0",
      "::ffff:192.0.2.1",
    ]) {
      expect(() => canonicalNetwork(text), text).toThrow(AerostackError);
    }
  });

  it("is known to hold this machine, whichever part of it is named", () => {
    for (const network of ["127.0.0.1/32", "127.5.0.0/16", "127.0.0.0/8", "::1/128", "::/20", "::/127"]) {
      expect(touchesLoopback(network), network).toBe(true);
    }
    for (const network of ["128.0.0.0/8", "126.0.0.0/8", "::2/128", "2001:db8::/32"]) {
      expect(touchesLoopback(network), network).toBe(false);
    }
  });
});
