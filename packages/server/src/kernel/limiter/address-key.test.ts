import { expect, it } from "vitest";
import { limitKeyOfAddress, networkOfAddress } from "./address-key.ts";

it.each([
  ["203.0.113.9", "203.0.113.9"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:0DB8:0001:2::ffff", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["", ""],
])("limits count %s as %s", (address, key) => {
  expect(limitKeyOfAddress(address)).toBe(key);
});

it.each([
  ["203.0.113.9", "203.0.113.0/24"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"],
  ["2001:0DB8:0001:2::ffff", "2001:db8:1::/48"],
  ["2001:db8::1", "2001:db8:0::/48"],
])("the network of %s is %s", (address, network) => {
  expect(networkOfAddress(address)).toBe(network);
});
