import { BlockList, isIP } from "node:net";

/** What of a request tells where it came from. */
export interface ConnectionFacts {
  /** The peer of the TCP connection. */
  readonly remoteAddress: string | undefined;
  readonly forwardedFor: string | undefined;
}

/**
 * Reads the client's address. `X-Forwarded-For` is read from its end, and only as far as addresses are trusted proxies:
 * what stands before could have been written by the client itself.
 *
 * @param trustProxy undefined: the header is ignored. `["true"]`: the peer is a proxy and its one entry is believed.
 */
export function createClientAddressReader(
  trustProxy: readonly string[] | undefined,
): (facts: ConnectionFacts) => string {
  if (trustProxy === undefined) return ({ remoteAddress }) => normaliseAddress(remoteAddress ?? "");
  if (trustProxy.includes("true")) {
    return ({ remoteAddress, forwardedFor }) =>
      forwardedFor === undefined
        ? normaliseAddress(remoteAddress ?? "")
        : (lastAddress(forwardedFor) ?? normaliseAddress(remoteAddress ?? ""));
  }
  const trusted = createBlockList(trustProxy);
  return ({ remoteAddress, forwardedFor }) => {
    let address = normaliseAddress(remoteAddress ?? "");
    const hops = (forwardedFor ?? "").split(",").map((hop) => normaliseAddress(hop.trim()));
    while (isTrusted(trusted, address)) {
      const previous = hops.pop();
      if (previous === undefined || isIP(previous) === 0) break;
      address = previous;
    }
    return address;
  };
}

/** True when the peer's forwarded headers (protocol, host) are to be believed. */
export function createProxyCheck(
  trustProxy: readonly string[] | undefined,
): (remoteAddress: string | undefined) => boolean {
  if (trustProxy === undefined) return () => false;
  if (trustProxy.includes("true")) return () => true;
  const trusted = createBlockList(trustProxy);
  return (remoteAddress) => isTrusted(trusted, normaliseAddress(remoteAddress ?? ""));
}

function lastAddress(forwardedFor: string): string | undefined {
  const last = normaliseAddress(forwardedFor.slice(forwardedFor.lastIndexOf(",") + 1).trim());
  return isIP(last) === 0 ? undefined : last;
}

/** Without brackets, port, zone and the IPv6 form of IPv4 addresses. */
export function normaliseAddress(text: string): string {
  const bare = text.startsWith("[")
    ? text.slice(1, text.indexOf("]"))
    : /^[\d.]+:\d+$/.test(text)
      ? text.slice(0, text.indexOf(":"))
      : text;
  const [address = ""] = bare.split("%");
  return address.toLowerCase().startsWith("::ffff:") && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
}

function createBlockList(parts: readonly string[]): BlockList {
  const list = new BlockList();
  for (const part of parts) {
    const [address = "", prefix] = part.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

function isTrusted(list: BlockList, address: string): boolean {
  const family = isIP(address);
  return family !== 0 && list.check(address, family === 6 ? "ipv6" : "ipv4");
}
