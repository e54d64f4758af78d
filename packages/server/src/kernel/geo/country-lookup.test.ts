import { describe, expect, it } from "vitest";
import { createCountryLookup } from "./country-lookup.ts";

/** A table that notes what it is asked. */
function countingTable() {
  const asked: string[] = [];
  const families: number[] = [];
  const lookup = createCountryLookup(
    (family) => {
      families.push(family);
      return {
        countryOf(address) {
          asked.push(address);
          return address.startsWith("8.") ? "US" : null;
        },
      };
    },
    () => {},
  );
  return { asked, families, lookup };
}

describe("the country of an address", () => {
  it("is asked of the table once for an address that keeps calling, known or not", () => {
    const { lookup, asked } = countingTable();
    for (let call = 0; call < 3; call++) {
      expect(lookup("8.8.8.8")).toBe("US");
      expect(lookup("9.9.9.9")).toBeNull();
    }
    expect(asked).toEqual(["8.8.8.8", "9.9.9.9"]);
  });

  it("stays remembered while addresses pass by, and is forgotten after many of them", () => {
    const { lookup, asked } = countingTable();
    const passBy = (block: number, count: number): void => {
      for (let index = 0; index < count; index++) lookup(`9.${block}.${index >> 8}.${index & 255}`);
    };
    const timesAsked = (): number => asked.filter((address) => address === "8.8.8.8").length;
    lookup("8.8.8.8");
    passBy(1, 5000);
    lookup("8.8.8.8");
    expect(timesAsked()).toBe(1);
    passBy(2, 5000);
    passBy(3, 5000);
    lookup("8.8.8.8");
    expect(timesAsked()).toBe(2);
  });

  it("is unknown, without a look at the table, where the address is not a public one", () => {
    const { lookup, families } = countingTable();
    const local = ["10.1.2.3", "172.16.0.1", "192.168.0.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"];
    const local6 = ["::1", "::", "fe80::1", "fe80::1%eth0", "fd00::1", "::ffff:10.0.0.1", "2001:db8::1"];
    for (const address of [...local, ...local6, "", "unix", "8.8.8", "8.8.8.8:80"]) expect(lookup(address)).toBeNull();
    expect(families).toEqual([]);
  });

  it("is that of the IPv4 address that an IPv6 form carries", () => {
    const { lookup, asked, families } = countingTable();
    expect([lookup("::ffff:8.8.8.8"), lookup("::FFFF:808:808")]).toEqual(["US", "US"]);
    expect([asked, families]).toEqual([
      ["8.8.8.8", "8.8.8.8"],
      [4, 4],
    ]);
  });

  it("is unknown where the table is damaged, and the caller is served", () => {
    const errors: unknown[] = [];
    const damaged = {
      countryOf(): string | null {
        throw new RangeError("beyond the end of the file");
      },
    };
    const lookup = createCountryLookup(
      () => damaged,
      (error) => errors.push(error),
    );
    expect([lookup("8.8.8.8"), lookup("8.8.8.8")]).toEqual([null, null]);
    expect(errors).toHaveLength(1);
  });
});
