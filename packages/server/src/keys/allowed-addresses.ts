import { BlockList, isIP } from "node:net";

/** True for an address that a key may be used from. */
export type AddressTest = (address: string) => boolean;

const MAX_PREFIX = { 4: 32, 6: 128 } as const;

/** True for an address or a network in CIDR notation, of IPv4 or IPv6. */
export function isAddressRange(text: string): boolean {
  const [address = "", prefix, ...rest] = text.split("/");
  // A zone names an interface of one machine; nothing that comes over a network has one.
  const family = address.includes("%") ? 0 : isIP(address);
  if (family === 0 || rest.length > 0) return false;
  if (prefix === undefined) return true;
  return /^(?:0|[1-9]\d{0,2})$/.test(prefix) && Number(prefix) <= MAX_PREFIX[family as 4 | 6];
}

/** @param ranges addresses and networks, as `isAddressRange` takes them */
export function createAddressTest(ranges: readonly string[]): AddressTest {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", prefix] = range.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return (address) => {
    const family = isIP(address);
    return family !== 0 && list.check(address, family === 6 ? "ipv6" : "ipv4");
  };
}
