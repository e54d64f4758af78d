import { describe, expect, it } from "vitest";
import { createProcessUsage, parsePsTime } from "./process-usage.ts";

describe("what a process uses", () => {
  it.runIf(process.platform === "linux")("is read from the kernel", () => {
    const usage = createProcessUsage(process.pid);
    const before = usage.memoryBytes();
    const block = Buffer.alloc(64 * 1024 * 1024, 1);
    expect(usage.memoryBytes() - before).toBeGreaterThan(0.9 * block.length);
    const cpuBefore = usage.cpu();
    const until = process.cpuUsage().user + 100_000;
    while (process.cpuUsage().user < until) Math.sqrt(block.length);
    expect(usage.cpu().userMs - cpuBefore.userMs).toBeGreaterThanOrEqual(50);
    expect(usage.cpu().systemMs).toBeGreaterThanOrEqual(cpuBefore.systemMs);
    usage.close();
  });

  it.each([
    ["0:01.50", 1500],
    ["02:03", 123_000],
    ["1:02:03", 3_723_000],
    ["2-01:00:00", 176_400_000],
    ["", 0],
    ["nonsense", 0],
  ])("reads the time %j of ps", (text, ms) => {
    expect(parsePsTime(text)).toBe(ms);
  });
});
