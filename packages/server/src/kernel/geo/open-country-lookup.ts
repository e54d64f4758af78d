import { createRequire } from "node:module";
import { StartError } from "../start-error.ts";
import { type CountryLookup, createCountryLookup } from "./country-lookup.ts";
import { type CountryTable, openCountryTable } from "./country-table.ts";

export interface CountryLookupOptions {
  /** `off`, `built-in`, or the path of a table of the operator's own. */
  readonly table: string;
  /** Told, once, of a table that cannot be read after the start; regions may be unknown from then on. */
  readonly onError: (error: unknown) => void;
}

const BUILT_IN = "@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country";

/**
 * Opens the table by which a caller's region is found. The built-in one is two files, 3 and 5 MB, each read (in 3 ms) when
 * the first public address of its family calls: a server that only its own machine reaches never holds them.
 *
 * @throws StartError when the operator's own table is none
 */
export function openCountryLookup({ table, onError }: CountryLookupOptions): CountryLookup {
  if (table === "off") return () => null;
  let told = false;
  const tell = (error: unknown): void => {
    if (!told) onError(error);
    told = true;
  };
  if (table !== "built-in") {
    const own = openOwnTable(table);
    return createCountryLookup(() => own, tell);
  }
  const { resolve } = createRequire(import.meta.url);
  const opened = new Map<4 | 6, CountryTable | null>();
  const open = (family: 4 | 6): CountryTable | null => {
    try {
      return openCountryTable(resolve(`${BUILT_IN}-ipv${family}.mmdb`));
    } catch (error) {
      tell(error);
      return null;
    }
  };
  return createCountryLookup((family) => {
    let found = opened.get(family);
    if (found === undefined) {
      found = open(family);
      opened.set(family, found);
    }
    return found;
  }, tell);
}

function openOwnTable(path: string): CountryTable {
  try {
    return openCountryTable(path);
  } catch (error) {
    throw new StartError(
      `AEROSTACK_GEO_TABLE: '${path}' cannot be read as a table in MaxMind's DB format (.mmdb): ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
