import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { StartError } from "../start-error.ts";
import { openCountryLookup } from "./open-country-lookup.ts";

const { resolve } = createRequire(import.meta.url);
const TABLE_OF_IPV4 = resolve("@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country-ipv4.mmdb");
const TABLE_OF_BOTH = resolve("@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb");

function open(table: string) {
  return openCountryLookup({
    table,
    onError(error) {
      throw error;
    },
  });
}

describe("the built-in table", () => {
  // Addresses that have belonged to one institution in one country for decades.
  it.each([
    ["193.0.6.139", "NL", "RIPE NCC"],
    ["133.11.0.1", "JP", "University of Tokyo"],
    ["130.59.31.80", "CH", "SWITCH"],
    ["200.160.2.3", "BR", "NIC.br"],
    ["18.9.22.69", "US", "MIT"],
    ["2001:67c:2e8:22::c100:68b", "NL", "RIPE NCC"],
    ["2003::1", "DE", "Deutsche Telekom"],
    ["240e::1", "CN", "China Telecom"],
    ["::ffff:193.0.6.139", "NL", "an IPv4 address in its IPv6 form"],
  ])("knows %s: %s (%s)", (address, country) => {
    expect(open("built-in")(address)).toBe(country);
  });

  it("knows nothing of addresses that are not public", () => {
    const countryOf = open("built-in");
    for (const address of ["10.0.0.1", "192.168.1.1", "127.0.0.1", "::1", "fe80::1", "fd12::1"]) {
      expect(countryOf(address)).toBeNull();
    }
  });
});

describe("the operator's choice", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "aerostack-geo-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("off: no address has a region", () => {
    expect(open("off")("193.0.6.139")).toBeNull();
  });

  it("a table of one's own answers for both families, or for the one that it holds", () => {
    const both = open(TABLE_OF_BOTH);
    expect([both("133.11.0.1"), both("2003::1")]).toEqual(["JP", "DE"]);
    const one = open(TABLE_OF_IPV4);
    expect([one("133.11.0.1"), one("2003::1")]).toEqual(["JP", null]);
  });

  it("a table that is missing, or none, stops the start and names the setting", () => {
    const text = join(folder, "text.mmdb");
    writeFileSync(text, "not a table");
    for (const path of [text, join(folder, "missing.mmdb"), folder]) {
      expect(() => open(path)).toThrow(StartError);
      expect(() => open(path)).toThrow(`AEROSTACK_GEO_TABLE: '${path}' cannot be read`);
    }
  });
});
