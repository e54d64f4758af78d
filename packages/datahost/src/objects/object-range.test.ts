import { describe, expect, test } from "vitest";
import { type RangeRequest, resolveRange } from "./object-range.ts";

const SIZE = 100;

describe("resolveRange", () => {
  test.each<[RangeRequest | undefined, number, number]>([
    [undefined, 0, 100],
    [{}, 0, 100],
    [{ offset: 10 }, 10, 90],
    [{ length: 10 }, 0, 10],
    [{ offset: 95, length: 10 }, 95, 5],
    [{ suffix: 10 }, 90, 10],
    [{ suffix: 1000 }, 0, 100],
    [{ header: "bytes=0-9" }, 0, 10],
    [{ header: "bytes=90-" }, 90, 10],
    [{ header: "Bytes = 90-1000" }, 90, 10],
    [{ header: "bytes=-10" }, 90, 10],
    // Passed over, as RFC 9110 has it for a Range that is not understood.
    [{ header: "bytes=9-0" }, 0, 100],
    [{ header: "bytes=0-1,5-6" }, 0, 100],
    [{ header: "lines=0-1" }, 0, 100],
    [{ header: "bytes=-" }, 0, 100],
  ])("%j is %i to %i bytes", (request, offset, length) => {
    expect(resolveRange(request, SIZE)).toEqual({ offset, length });
  });

  test.each<RangeRequest>([
    { offset: 100 },
    { offset: 200, length: 1 },
    { length: 0 },
    { suffix: 0 },
    { header: "bytes=100-" },
    { header: "bytes=-0" },
  ])("%j has no bytes and is refused", (request) => {
    expect(() => resolveRange(request, SIZE)).toThrow("not satisfiable");
  });

  test("an empty object can be read whole", () => {
    expect(resolveRange(undefined, 0)).toEqual({ offset: 0, length: 0 });
  });
});
