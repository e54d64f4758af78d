import { describe, expect, it } from "vitest";
import { createReadMemory, type Piece } from "./read-memory.ts";

const SIZES = [0, 1, 4096, 4097, 20_000, 65_536];

describe("memory that responses are read into", () => {
  it("keeps what was read beyond the next read, whatever is kept and released meanwhile", () => {
    const memory = createReadMemory();
    const held: { piece: Piece; value: number; length: number }[] = [];
    for (let round = 0; round < 2000; round++) {
      const value = round % 251;
      const length = SIZES[round % SIZES.length] ?? 0;
      memory.buffer.fill(value);
      held.push({ piece: memory.keep(memory.buffer.subarray(0, length)), value, length });
      // Oldest and newest first in turn, as streams of different speeds release them.
      const done = held.length > 40 ? (round % 2 === 0 ? held.shift() : held.pop()) : undefined;
      if (done === undefined) continue;
      expect(done.piece.bytes.equals(Buffer.alloc(done.length, done.value))).toBe(true);
      done.piece.release?.();
    }
  });

  it("uses the memory of a long piece again once it is released, and not before", () => {
    const memory = createReadMemory();
    const long = memory.buffer.subarray(0, 50_000);
    const first = memory.keep(long);
    const second = memory.keep(long);
    expect(second.bytes.buffer).not.toBe(first.bytes.buffer);
    first.release?.();
    expect(memory.keep(long).bytes.buffer).toBe(first.bytes.buffer);
    second.release?.();
    memory.trim();
    expect(memory.keep(long).bytes.buffer).not.toBe(second.bytes.buffer);
  });
});
