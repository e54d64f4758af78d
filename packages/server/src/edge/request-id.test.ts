import { describe, expect, it } from "vitest";
import { acceptRequestId, createRequestId } from "./request-id.ts";

const NOW = 1_800_000_000_000;

describe("request ids", () => {
  it("are UUIDs of version 7 that sort by time and do not repeat", () => {
    const ids = Array.from({ length: 5000 }, () => createRequestId(NOW));
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(createRequestId(NOW + 1) > createRequestId(NOW)).toBe(true);
  });

  it("are the caller's own where those are UUIDs", () => {
    const sent = "693E9510-F6F4-42DA-9115-247868D60CAA";
    expect(acceptRequestId(sent)).toBe(sent.toLowerCase());
    expect(acceptRequestId("x\r\ny: z")).not.toContain("x\r\n");
    expect(acceptRequestId(undefined)).not.toBe(acceptRequestId(undefined));
  });
});
