import { describe, expect, it } from "vitest";
import { createLogBuffer } from "./log-buffer.ts";
import type { LogEntry, NewLogEntry } from "./log-entry.ts";
import { createMonotonicIds } from "./monotonic-ids.ts";

function line(message: string): NewLogEntry {
  return { projectId: "prj_1", time: 1_800_000_000_000, kind: "console", level: "info", message };
}

function bufferOf(write: (entries: readonly LogEntry[]) => Promise<void>) {
  const stored: LogEntry[] = [];
  const errors: unknown[] = [];
  const buffer = createLogBuffer({
    createId: createMonotonicIds("log"),
    write,
    onStored: (entries) => void stored.push(...entries),
    onError: (error) => void errors.push(error),
    flushIntervalMs: 60_000,
  });
  return { buffer, stored, errors };
}

describe("the log buffer", () => {
  it("stores every line once and in order, also those added while a batch is on its way", async () => {
    const { buffer, stored } = bufferOf(async (entries) => {
      if (entries.some((entry) => entry.message === "first")) buffer.add(line("late"));
      await new Promise(setImmediate);
    });
    buffer.add(line("first"));
    for (let i = 0; i < 2500; i++) buffer.add(line(String(i)));
    await buffer.flush();
    await buffer.flush();
    expect(stored).toHaveLength(2502);
    expect(new Set(stored.map((entry) => entry.id)).size).toBe(2502);
    expect(stored.map((entry) => entry.id)).toEqual(stored.map((entry) => entry.id).sort());
  });

  it("lets others have their turn between batches, however many lines wait", async () => {
    let turns = 0;
    let isStored = false;
    const countTurns = (): void => {
      turns++;
      if (!isStored) setImmediate(countTurns);
    };
    let batches = 0;
    const { buffer } = bufferOf(async (entries) => {
      batches++;
      expect(entries.length).toBeLessThanOrEqual(500);
    });
    for (let i = 0; i < 5000; i++) buffer.add(line("flood"));
    setImmediate(countTurns);
    await buffer.flush();
    isStored = true;
    expect(batches).toBe(10);
    expect(turns).toBeGreaterThanOrEqual(batches - 1);
  });

  it("stores many lines at once, long before its interval", async () => {
    const { buffer, stored } = bufferOf(async () => {});
    for (let i = 0; i < 999; i++) buffer.add(line("few"));
    await new Promise(setImmediate);
    expect(stored).toHaveLength(0);
    for (let i = 0; i < 500; i++) buffer.add(line("many"));
    await expect.poll(() => stored.length).toBe(1499);
  });

  it("keeps lines that the store refused and stores them when it works again", async () => {
    let broken = true;
    const { buffer, stored, errors } = bufferOf(async () => {
      if (broken) throw new Error("disk full");
    });
    buffer.add(line("kept"));
    await buffer.flush();
    expect([stored.length, errors.length]).toEqual([0, 1]);
    broken = false;
    await buffer.close();
    expect(stored.map((entry) => entry.message)).toEqual(["kept"]);
  });

  it("drops and counts lines past its bound instead of filling the memory", () => {
    const { buffer } = bufferOf(async () => {});
    for (let i = 0; i < 200_010; i++) buffer.add(line("x"));
    expect(buffer.droppedEntries).toBe(10);
  });
});
