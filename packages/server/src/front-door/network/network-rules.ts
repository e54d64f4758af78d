import { BlockList, isIP } from "node:net";
import type { NetworkRules } from "@aerostack/contracts";

interface CompiledRules {
  readonly denied: BlockList;
  readonly allowed: BlockList;
}

const compiled = new WeakMap<NetworkRules, CompiledRules>();

function listOf(parts: readonly string[]): BlockList {
  const list = new BlockList();
  for (const part of parts) {
    const [address = "", prefix] = part.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

function compile(rules: NetworkRules): CompiledRules {
  let found = compiled.get(rules);
  if (found === undefined) {
    found = { denied: listOf(rules.denyAddresses), allowed: listOf(rules.allowAddresses) };
    compiled.set(rules, found);
  }
  return found;
}

export function hasNetworkRules(rules: NetworkRules): boolean {
  const { denyAddresses, allowAddresses, denyCountries, allowCountries, requestsPerMinutePerAddress } = rules;
  return (
    requestsPerMinutePerAddress !== null ||
    [denyAddresses, allowAddresses, denyCountries, allowCountries].some((list) => list.length > 0)
  );
}

/**
 * Whether somebody may come in. What is known of nobody is in no list: where countries are allowed, an address of unknown
 * country is refused.
 *
 * @param ip as the client's address reader gives it; empty where it is not known
 */
export function lets(
  rules: NetworkRules,
  { ip, region }: { readonly ip: string; readonly region: string | null },
): boolean {
  const { denied, allowed } = compile(rules);
  const version = isIP(ip);
  const isIn = (list: BlockList): boolean => version !== 0 && list.check(ip, version === 6 ? "ipv6" : "ipv4");
  if (isIn(denied)) return false;
  if (isIn(allowed)) return true;
  if (region !== null && rules.denyCountries.includes(region)) return false;
  if (rules.allowAddresses.length === 0 && rules.allowCountries.length === 0) return true;
  return region !== null && rules.allowCountries.includes(region);
}
