import { describe, expect, it } from "vitest";
import { createLineReader, type LineReader } from "./line-reader.ts";

const MARK = "\u001e";

function readAll(reader: LineReader, chunks: readonly Buffer[]): string[] {
  const lines: string[] = [];
  for (const chunk of chunks) reader.read(chunk, (json) => lines.push(json.toString("utf8")));
  return lines;
}

describe("reading a process's output", () => {
  it("gives the marked lines and no others, wherever the output is cut", () => {
    const output = Buffer.from(`plain\n${MARK}"ä€😀"\n\nmore ${MARK} inside\n${MARK}2\n${MARK}3\nplain\n`);
    for (let first = 0; first <= output.length; first++) {
      for (let second = first; second <= output.length; second += 3) {
        const chunks = [output.subarray(0, first), output.subarray(first, second), output.subarray(second)];
        expect(readAll(createLineReader(), chunks)).toEqual(['"ä€😀"', "2", "3"]);
      }
    }
  });

  it("passes over a line that is too long, in whatever pieces it comes, and reads on after it", () => {
    const piece = Buffer.from("x".repeat(60_000));
    const chunks = [Buffer.from(MARK), ...Array.from({ length: 10 }, () => piece), Buffer.from(`\n${MARK}next\n`)];
    expect(readAll(createLineReader(), chunks)).toEqual(["next"]);
    expect(readAll(createLineReader(), [Buffer.concat(chunks)])).toEqual(["next"]);
  });
});
