import { describe, expect, it } from "vitest";
import { summariseProfile } from "./cpu-profile.ts";

const frame = (functionName: string) => ({ functionName, url: "", lineNumber: 0 });

describe("summariseProfile", () => {
  it("ranks functions by their own time and leaves waiting out", () => {
    const summary = summariseProfile(
      {
        nodes: [
          { id: 1, callFrame: frame("(idle)") },
          { id: 2, callFrame: frame("parse") },
          { id: 3, callFrame: frame("write") },
          { id: 4, callFrame: frame("parse") },
        ],
        samples: [1, 2, 3, 4, 1],
        timeDeltas: [5_000_000, 100_000, 250_000, 650_000, 1_000_000],
      },
      2,
    );
    expect(summary).toEqual({
      busySeconds: 1,
      functions: [
        { name: "parse", share: 0.75 },
        { name: "write", share: 0.25 },
      ],
    });
  });
});
