import { describe, expect, test } from "vitest";
import { deriveKey } from "./derive-key.ts";

describe("deriveKey", () => {
  const master = Buffer.alloc(32, 7);

  test("is the same for the same master and purpose, and different for any other", () => {
    const key = deriveKey(master, "state/prj_1");
    expect(key).toHaveLength(32);
    expect(deriveKey(master, "state/prj_1")).toEqual(key);
    expect(deriveKey(master, "state/prj_2")).not.toEqual(key);
    expect(deriveKey(Buffer.alloc(32, 8), "state/prj_1")).not.toEqual(key);
  });

  test("stays what files of earlier versions were sealed with", () => {
    expect(deriveKey(master, "state/prj_1").toString("hex")).toMatchInlineSnapshot(
      `"11963bf7049c4485ee1e74026efa929f1a1269fe5aa8a8eb4c5c0bd3d8320648"`,
    );
  });

  test("refuses a short master key", () => {
    expect(() => deriveKey(Buffer.alloc(16), "x")).toThrow("at least 32 bytes");
  });
});
