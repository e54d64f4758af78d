import { BlockList, isIP } from "node:net";

/**
 * Which addresses functions may connect to: public unicast ones. For IPv6 the list says what is allowed, because all that
 * embeds an IPv4 address or leads to a private network lies outside it.
 */

// IANA IPv4 special-purpose registry (RFC 6890 and its updates).
const BLOCKED_IPV4: readonly (readonly [network: string, bits: number, reason: string])[] = [
  ["0.0.0.0", 8, "unspecified"],
  ["10.0.0.0", 8, "private"],
  ["100.64.0.0", 10, "carrier-grade NAT"],
  ["127.0.0.0", 8, "loopback"],
  ["169.254.0.0", 16, "link-local"],
  ["172.16.0.0", 12, "private"],
  ["192.0.0.0", 24, "reserved"],
  ["192.0.2.0", 24, "reserved"],
  ["192.88.99.0", 24, "reserved"],
  ["192.168.0.0", 16, "private"],
  ["198.18.0.0", 15, "reserved"],
  ["198.51.100.0", 24, "reserved"],
  ["203.0.113.0", 24, "reserved"],
  ["224.0.0.0", 4, "multicast"],
  ["240.0.0.0", 4, "reserved"],
  // Azure's host, which hands out credentials, has a public address.
  ["168.63.129.16", 32, "metadata"],
];

// What of 2000::/3 is not ordinary: protocol assignments with Teredo, documentation, 6to4.
const BLOCKED_IPV6: readonly (readonly [network: string, bits: number, reason: string])[] = [
  ["2001::", 23, "reserved"],
  ["2001:db8::", 32, "reserved"],
  ["2002::", 16, "6to4"],
  ["3fff::", 20, "reserved"],
];

function blockList(family: "ipv4" | "ipv6", subnets: readonly (readonly [string, number, string])[]) {
  return subnets.map(([network, bits, reason]) => {
    const list = new BlockList();
    list.addSubnet(network, bits, family);
    return { list, reason };
  });
}

const ipv4Rules = blockList("ipv4", BLOCKED_IPV4);
const ipv6Rules = blockList("ipv6", BLOCKED_IPV6);
const globalUnicast = new BlockList();
globalUnicast.addSubnet("2000::", 3, "ipv6");
const ipv6Names: readonly (readonly [string, number, string])[] = [
  ["::1", 128, "loopback"],
  ["::", 128, "unspecified"],
  ["::ffff:0:0", 96, "IPv4-mapped"],
  ["64:ff9b::", 96, "NAT64"],
  ["64:ff9b:1::", 48, "NAT64"],
  ["fc00::", 7, "private"],
  ["fe80::", 10, "link-local"],
  ["ff00::", 8, "multicast"],
];
const ipv6NamedRules = blockList("ipv6", ipv6Names);

/**
 * Why a resolved address may not be connected to; null when it may.
 *
 * @param address an IPv4 or IPv6 address in any notation that `net.isIP` knows
 */
export function refusedAddress(address: string): string | null {
  const family = isIP(address);
  if (family === 4) return ipv4Rules.find(({ list }) => list.check(address, "ipv4"))?.reason ?? null;
  if (family !== 6 || address.includes("%")) return "not an address";
  if (globalUnicast.check(address, "ipv6")) {
    return ipv6Rules.find(({ list }) => list.check(address, "ipv6"))?.reason ?? null;
  }
  return ipv6NamedRules.find(({ list }) => list.check(address, "ipv6"))?.reason ?? "reserved";
}
