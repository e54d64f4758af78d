import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DEFAULT_RUNTIME_LIMITS } from "../limits.ts";
import type { FaultCode } from "./fault.ts";
import { createWatchdog, type Watchdog } from "./watchdog.ts";

const MEBIBYTE = 1024 * 1024;
const LIMITS = { ...DEFAULT_RUNTIME_LIMITS, cpuLimitMs: 2000, memoryLimitBytes: 128 * MEBIBYTE };

/** What a process uses in each second in which it does not answer. */
interface Use {
  readonly userMs?: number;
  readonly systemMs?: number;
  readonly mebibytes?: number;
  /** Where its memory stops growing. */
  readonly mostMebibytes?: number;
}

let watchdog: Watchdog | undefined;
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  watchdog?.stop();
  vi.useRealTimers();
});

/** Runs until the process is ended. */
async function endOf({ userMs = 0, systemMs = 0, mebibytes = 0, mostMebibytes = 1000 }: Use) {
  const startedAt = performance.now();
  const seconds = (): number => (performance.now() - startedAt) / 1000;
  const faults: { code: FaultCode; reason: string; afterMs: number }[] = [];
  watchdog = createWatchdog({
    limits: LIMITS,
    usage: {
      memoryBytes: () => Math.min(20 + mebibytes * seconds(), mostMebibytes) * MEBIBYTE,
      cpu: () => ({ userMs: 300 + userMs * seconds(), systemMs: 100 + systemMs * seconds() }),
      close: () => undefined,
    },
    busy: () => true,
    lastAnswerAt: () => startedAt,
    probe: () => new Promise(() => {}),
    onFault: (code, reason) => faults.push({ code, reason, afterMs: performance.now() - startedAt }),
  });
  watchdog.wake();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(faults).toHaveLength(1);
  return faults[0];
}

describe("a process that does not answer is ended for what is wrong with it", () => {
  test("a loop: for its CPU time, at the limit", async () => {
    const end = await endOf({ userMs: 1000 });
    expect(end).toMatchObject({
      code: "FUNCTION_CPU_LIMIT",
      reason: expect.stringMatching(/^it used 2\.\d s of CPU time without yielding\.$/),
    });
    expect(end?.afterMs).toBeLessThan(2500);
  });

  test.each([
    ["a good machine", { userMs: 900, systemMs: 100, mebibytes: 200 }],
    ["one on which page faults cost more than computing", { userMs: 450, systemMs: 550, mebibytes: 30 }],
    ["one that is slow at all of it", { userMs: 950, systemMs: 50, mebibytes: 30 }],
  ])("a loop that allocates: for its memory, on %s", async (_machine, use) => {
    expect(await endOf(use)).toMatchObject({ code: "FUNCTION_MEMORY_LIMIT" });
  });

  test("what grew, but not beyond the limit: for its CPU time, and it says that it grew", async () => {
    const end = await endOf({ userMs: 1000, mebibytes: 80, mostMebibytes: 100 });
    expect(end).toMatchObject({
      code: "FUNCTION_CPU_LIMIT",
      reason: expect.stringMatching(/^it used 4\.\d s of CPU .*, and its memory grew by \d\d MB meanwhile\.$/),
    });
    expect(end?.afterMs).toBeLessThan(5000);
  });

  test("time in the kernel is no way around the limit", async () => {
    const end = await endOf({ systemMs: 1000 });
    expect(end).toMatchObject({ code: "FUNCTION_CPU_LIMIT" });
    expect(end?.afterMs).toBeLessThan(4500);
  });

  test("without CPU time: it is said to hang", async () => {
    expect(await endOf({})).toMatchObject({
      code: "FUNCTION_CRASHED",
      reason: "it did not answer for 30 s.",
    });
  });
});
