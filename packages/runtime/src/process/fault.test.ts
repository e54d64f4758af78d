import { describe, expect, it } from "vitest";
import { createFault, describeFault, faultError, findBlocking } from "./fault.ts";
import { FlightLedger, type OpenFlight } from "./flight-ledger.ts";

/** An exchange that began at the given time. */
function flight(functionKey: string, beganAt: number): OpenFlight {
  const ledger = new FlightLedger(
    async () => {
      throw new Error("unused");
    },
    () => {},
  );
  return Object.assign(ledger.begin(functionKey, "request"), { beganAt });
}
const nameOf = (key: string): string => key.split("@")[0] ?? key;

describe("who is at fault", () => {
  it("is the first exchange to begin after the last sign of life", () => {
    const [waiting, looping, behind] = [flight("a", 10), flight("b", 60), flight("a", 70)];
    expect(findBlocking([waiting, looping, behind], 50)).toBe(looping);
  });
  it("is the one that began last where none began since", () => {
    const [older, newer] = [flight("a", 10), flight("b", 20)];
    expect(findBlocking([older, newer], 50)).toBe(newer);
    expect(findBlocking([], 50)).toBeNull();
  });
  it("is named first, with the others that it may have been", () => {
    const [waiting, looping, behind] = [
      flight("chat@production@1", 10),
      flight("api@production@1", 60),
      flight("late", 90),
    ];
    const fault = createFault("FUNCTION_CPU_LIMIT", "it looped.", [waiting, looping, behind], looping, 80);
    expect(describeFault(fault, nameOf)).toBe(
      "The function 'api' brought its process down: it looped. 'chat' had requests in progress too, so it may have been one of them.",
    );
    expect(describeFault(createFault("FUNCTION_CRASHED", "it ended.", [], null, 0), nameOf)).toBe(
      "The project's process ended: it ended.",
    );
  });
});

describe("what the caller of each exchange learns", () => {
  const [waiting, looping, behind] = [
    flight("chat@production@1", 10),
    flight("api@production@1", 60),
    flight("api@production@1", 90),
  ];
  const fault = createFault("FUNCTION_CPU_LIMIT", "it looped.", [waiting, looping, behind], looping, 80);
  const reset = Object.assign(new Error("reset"), { code: "ECONNRESET" });
  const refused = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });

  it.each([
    ["the culprit", looping, reset, "FUNCTION_CPU_LIMIT", false, true],
    ["one that was in progress", waiting, reset, "FUNCTION_CRASHED", true, true],
    ["one that came too late to begin", behind, reset, "FUNCTION_CPU_LIMIT", true, false],
    ["one that was never sent", waiting, refused, "FUNCTION_CRASHED", true, false],
  ] as const)("%s", (_who, asked, error, code, retryable, mayHaveRun) => {
    expect(faultError(fault, asked, error, nameOf)).toMatchObject({ code, details: { retryable, mayHaveRun } });
  });
});
