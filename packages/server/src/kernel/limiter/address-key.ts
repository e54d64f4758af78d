import { isIPv6 } from "node:net";

const NETWORK_GROUPS = 4;
const GROUPS = 8;

/**
 * What limits count an address as: itself for IPv4, its /64 for IPv6, because whoever has one IPv6 address has all of its
 * network.
 */
export function limitKeyOfAddress(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = "", tail] = address.toLowerCase().split("::");
  const groupsOf = (text: string) => (text === "" ? [] : text.split(":"));
  const before = groupsOf(head);
  const after = groupsOf(tail ?? "");
  const zeros =
    tail === undefined ? [] : Array.from({ length: Math.max(GROUPS - before.length - after.length, 0) }, () => "0");
  const network = [...before, ...zeros, ...after].slice(0, NETWORK_GROUPS);
  return `${network.map((group) => group.replace(/^0+(?=.)/, "")).join(":")}::/64`;
}
