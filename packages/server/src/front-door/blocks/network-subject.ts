import { BlockList, isIP, SocketAddress } from "node:net";
import { AerostackError, MIN_BLOCKED_PREFIX_BITS } from "@aerostack/contracts";

const BITS = { 4: 32, 6: 128 } as const;
const BITS_OF_BYTE = 8;
const BYTES_OF_GROUP = 2;

/**
 * The one form that a network has here, whichever way it was written: its first address and the length of its prefix.
 *
 * @example canonicalNetwork("192.0.2.7/24") // "192.0.2.0/24"
 * @throws VALIDATION_ERROR for what is none, or is too wide to be meant
 */
export function canonicalNetwork(text: string): string {
  const [address = "", prefixText, ...rest] = text.split("/");
  const version = isIP(address);
  if (version === 0 || address.includes("%") || rest.length > 0) throw invalid("is no address or network");
  const family = version as 4 | 6;
  if (/^::ffff:/i.test(address)) throw invalid("is IPv4 in the form of IPv6: write it as IPv4");
  const prefix = prefixText === undefined ? BITS[family] : Number(prefixText);
  const isLength = prefixText === undefined || /^(?:0|[1-9]\d{0,2})$/.test(prefixText);
  if (!isLength || prefix > BITS[family]) throw invalid("has no such prefix");
  if (prefix < MIN_BLOCKED_PREFIX_BITS[family]) {
    throw invalid(`is wider than a /${MIN_BLOCKED_PREFIX_BITS[family]}; block what it is about in parts`);
  }
  const bytes = bytesOf(address, family).map((byte, at) => byte & maskOf(prefix - at * BITS_OF_BYTE));
  return `${textOf(bytes, family)}/${prefix}`;
}

/** The eight bits of a mask that has `bits` left. */
function maskOf(bits: number): number {
  if (bits >= BITS_OF_BYTE) return 0xff;
  return bits <= 0 ? 0 : (0xff << (BITS_OF_BYTE - bits)) & 0xff;
}

function bytesOf(address: string, family: 4 | 6): number[] {
  if (family === 4) return address.split(".").map(Number);
  const [head = "", tail] = withoutDots(address).split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16)));
  const before = groups(head);
  const after = groups(tail ?? "");
  const zeros = Array.from({ length: BITS[6] / 16 - before.length - after.length }, () => 0);
  return [...before, ...zeros, ...after].flatMap((group) => [group >> BITS_OF_BYTE, group & 0xff]);
}

/** `64:ff9b::192.0.2.1` as groups alone. */
function withoutDots(address: string): string {
  const dotted = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  if (dotted === null) return address;
  const [a = 0, b = 0, c = 0, d = 0] = dotted.slice(1).map(Number);
  const group = (high: number, low: number) => ((high << BITS_OF_BYTE) | low).toString(16);
  return `${address.slice(0, dotted.index)}${group(a, b)}:${group(c, d)}`;
}

function textOf(bytes: readonly number[], family: 4 | 6): string {
  if (family === 4) return bytes.join(".");
  const groups: string[] = [];
  for (let at = 0; at < bytes.length; at += BYTES_OF_GROUP) {
    groups.push((((bytes[at] ?? 0) << BITS_OF_BYTE) | (bytes[at + 1] ?? 0)).toString(16));
  }
  return new SocketAddress({ address: groups.join(":"), family: "ipv6" }).address;
}

/** Adds networks in their canonical form to a list that tells whether an address is in one. */
export function listOfNetworks(networks: Iterable<string>): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", prefix = ""] = network.split("/");
    list.addSubnet(address, Number(prefix), isIP(address) === 6 ? "ipv6" : "ipv4");
  }
  return list;
}

export function isInNetworks(list: BlockList, ip: string): boolean {
  const version = isIP(ip);
  return version !== 0 && list.check(ip, version === 6 ? "ipv6" : "ipv4");
}

/** This machine itself: probes, functions that call the platform back, and who is logged in on it. */
const LOOPBACK_NETWORKS = ["127.0.0.0/8", "::1/128"];

/** Whether any loopback address is in the network. */
export function touchesLoopback(network: string): boolean {
  const list = listOfNetworks([network]);
  if (["127.0.0.1", "127.255.255.255", "127.0.0.0", "::1"].some((ip) => isInNetworks(list, ip))) return true;
  return isInNetworks(listOfNetworks(LOOPBACK_NETWORKS), network.split("/", 1)[0] ?? "");
}

function invalid(problem: string): AerostackError {
  return new AerostackError("VALIDATION_ERROR", {
    message: `The network ${problem}.`,
    details: { fieldErrors: { subject: [problem] } },
  });
}
