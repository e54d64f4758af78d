import { describe, expect, it } from "vitest";
import { countryOfRecord } from "./country-table.ts";

describe("the country in a table's record", () => {
  it("is found in the form of each supplier", () => {
    expect(countryOfRecord({ country_code: "NL" })).toBe("NL");
    expect(countryOfRecord({ country: "NL", country_name: "Netherlands" })).toBe("NL");
    expect(countryOfRecord({ country: { iso_code: "NL" }, city: { names: { en: "Delft" } } })).toBe("NL");
  });

  it("is unknown where a record holds none, or something else", () => {
    const others = [null, "NL", {}, { country: null }, { country: { iso_code: 31 } }, { country: "Netherlands" }];
    for (const record of others) expect(countryOfRecord(record)).toBeNull();
  });
});
