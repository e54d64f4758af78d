import { readFileSync } from "node:fs";
import { Reader, type Response } from "mmdb-lib";

/** Which country an address belongs to. */
export interface CountryTable {
  /** @param address an IP address in its usual text form. @returns ISO 3166-1 alpha-2, or null where the table says nothing. */
  countryOf(address: string): string | null;
}

const COUNTRY_CODE = /^[A-Z]{2}$/;

/**
 * Opens a table in MaxMind's DB format (version 2.0), which every supplier of such tables offers. The file is kept in memory
 * as it is, off the heap, and a look-up walks its tree: about a microsecond.
 *
 * @throws what says why the file is not such a table
 */
export function openCountryTable(path: string): CountryTable {
  const reader = new Reader<Response>(readFileSync(path));
  const { ipVersion } = reader.metadata;
  return {
    countryOf(address) {
      if (ipVersion === 4 && address.includes(":")) return null;
      return countryOfRecord(reader.get(address));
    },
  };
}

/** Suppliers nest the code differently: `country_code`, `country`, or MaxMind's `country.iso_code`. */
export function countryOfRecord(record: unknown): string | null {
  if (typeof record !== "object" || record === null) return null;
  const { country_code: flat, country } = record as Readonly<Record<string, unknown>>;
  const nested = typeof country === "object" && country !== null && "iso_code" in country ? country.iso_code : country;
  const code = flat ?? nested;
  return typeof code === "string" && COUNTRY_CODE.test(code) ? code : null;
}
