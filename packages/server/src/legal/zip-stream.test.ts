import { createHash, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { archivePath } from "./disclosure-source.ts";
import { readZip } from "./read-zip-testing.ts";
import { type WrittenFile, type ZipFile, zipStream } from "./zip-stream.ts";

const AT = Date.UTC(2026, 5, 1, 12, 30, 10);

async function* each(files: readonly ZipFile[]): AsyncGenerator<ZipFile> {
  yield* files;
}

describe("P15 an archive that is made while it is read", () => {
  it("unpacks to what was put in, with the hashes that were told", async () => {
    const large = randomBytes(3 * 1024 * 1024);
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < large.length; at += 70_001) yield large.subarray(at, at + 70_001);
    }
    const written: WrittenFile[] = [];
    const chunks: Buffer[] = [];
    const files = each([
      { name: "empty.txt", content: [] },
      { name: "a/lines.jsonl", content: ['{"a":1}\n', '{"b":"ä"}\n'] },
      { name: "large.bin", content: pieces() },
    ]);
    for await (const chunk of zipStream(files, AT, (file) => void written.push(file))) chunks.push(chunk);
    const read = readZip(Buffer.concat(chunks));
    expect([...read.keys()]).toEqual(["empty.txt", "a/lines.jsonl", "large.bin"]);
    expect(read.get("empty.txt")?.length).toBe(0);
    expect(read.get("a/lines.jsonl")?.toString()).toBe('{"a":1}\n{"b":"ä"}\n');
    expect(read.get("large.bin")?.equals(large)).toBe(true);
    expect(written.map(({ name, bytes }) => [name, bytes])).toEqual([
      ["empty.txt", 0],
      ["a/lines.jsonl", 19],
      ["large.bin", large.length],
    ]);
    expect(written[2]?.sha256).toBe(createHash("sha256").update(large).digest("hex"));
  });

  it("breaks off where a file does, and reads no further than it is read", async () => {
    let produced = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        produced++;
        yield randomBytes(64 * 1024);
      }
    }
    let read = 0;
    for await (const chunk of zipStream(each([{ name: "endless", content: endless() }]), AT, () => undefined)) {
      read += chunk.length;
      if (read > 1024 * 1024) break;
    }
    expect(produced).toBeLessThan(40);
    // biome-ignore lint/correctness/useYield: it fails before its first piece
    async function* broken(): AsyncGenerator<Uint8Array> {
      throw new Error("the disk is gone");
    }
    const reading = async () => {
      for await (const _chunk of zipStream(each([{ name: "broken", content: broken() }]), AT, () => undefined));
    };
    await expect(reading()).rejects.toThrow("the disk is gone");
  });

  it("has names that lead nowhere else, whatever they are made of", () => {
    expect(archivePath("content", "prj_1", "../../etc/passwd")).toBe("content/prj_1/%2E%2E/%2E%2E/etc/passwd");
    expect(archivePath("a", "/b//c\\d\u0000")).toBe("a/%/b/%/c%5Cd%00");
  });
});
