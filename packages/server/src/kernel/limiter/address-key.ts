import { isIPv6 } from "node:net";

const NETWORK_GROUPS = 4;
const GROUPS = 8;

/**
 * What limits count an address as: itself for IPv4, its /64 for IPv6, because whoever has one IPv6 address has all of its
 * network.
 */
export function limitKeyOfAddress(address: string): string {
  if (!isIPv6(address)) return address;
  return `${groupsOfIpv6(address).slice(0, NETWORK_GROUPS).join(":")}::/64`;
}

/** All eight groups, without leading zeros. */
function groupsOfIpv6(address: string): string[] {
  const [head = "", tail] = address.toLowerCase().split("::");
  const groupsOf = (text: string) => (text === "" ? [] : text.split(":"));
  const before = groupsOf(head);
  const after = groupsOf(tail ?? "");
  const zeros =
    tail === undefined ? [] : Array.from({ length: Math.max(GROUPS - before.length - after.length, 0) }, () => "0");
  return [...before, ...zeros, ...after].map((group) => group.replace(/^0+(?=.)/, ""));
}

const IPV4_PARTS = 3;
const IPV6_GROUPS = 3;

/** The network that somebody's addresses are taken from, which stays theirs longer than one of them: /24 of IPv4, /48 of IPv6. */
export function networkOfAddress(address: string): string {
  if (isIPv6(address)) return `${groupsOfIpv6(address).slice(0, IPV6_GROUPS).join(":")}::/48`;
  return `${address.split(".").slice(0, IPV4_PARTS).join(".")}.0/24`;
}
