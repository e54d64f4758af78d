import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import type { CountryTable } from "./country-table.ts";

/** The country of an address, ISO 3166-1 alpha-2; null for an address that is not public, or that no table knows. */
export type CountryLookup = (address: string) => string | null;

/** Gives the table for a family of addresses, opened when it is first needed. */
export type TableOfFamily = (family: 4 | 6) => CountryTable | null;

/** Addresses in each of two generations: about 1 MB in all. */
const REMEMBERED_ADDRESSES = 4096;

/**
 * Looks addresses up in a local table. Callers come in many requests each, so what was found lately is remembered: a
 * request then pays one read of a map. Two generations keep that bounded without bookkeeping on each read.
 */
export function createCountryLookup(tableOf: TableOfFamily, onError: (error: unknown) => void): CountryLookup {
  /** A damaged table costs regions, never a request. */
  function findSafely(address: string): string | null {
    try {
      return find(address, tableOf);
    } catch (error) {
      onError(error);
      return null;
    }
  }

  let recent = new Map<string, string | null>();
  let older = new Map<string, string | null>();

  return (address) => {
    const known = recent.get(address);
    if (known !== undefined) return known;
    let country = older.get(address);
    if (country === undefined) country = findSafely(address);
    if (recent.size >= REMEMBERED_ADDRESSES) {
      older = recent;
      recent = new Map();
    }
    recent.set(address, country);
    return country;
  };
}

function find(text: string, tableOf: TableOfFamily): string | null {
  if (isIP(text) === 0) return null;
  // `process` unwraps the IPv6 form of IPv4 addresses (RFC 4291, section 2.5.5.2), however it is written.
  const address = ipaddr.process(text);
  // No table need be read to know nothing of private, loopback and reserved addresses.
  if (address.range() !== "unicast") return null;
  const family = address.kind() === "ipv4" ? 4 : 6;
  return tableOf(family)?.countryOf(address.toString()) ?? null;
}
