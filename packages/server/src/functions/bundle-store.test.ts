import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { createManualClock } from "@aerostack/kernel";
import { afterEach, describe, expect, it } from "vitest";
import { createBundleStore } from "./bundle-store.ts";

const KEY = new Uint8Array(32).fill(7);
const SOURCE = "export default { recognisable: true };";
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

async function openStore(directory = mkdtempSync(join(tmpdir(), "bundles-"))) {
  folders.push(directory);
  const clock = createManualClock(1_800_000_000_000);
  const used = new Set<string>();
  const store = await createBundleStore({ directory, key: KEY, clock, isUsed: async (sha256) => used.has(sha256) });
  const files = () =>
    readdirSync(directory, { recursive: true, encoding: "utf8" })
      .map((name) => join(directory, name))
      .filter((path) => statSync(path).isFile());
  const read = async (sha256: string, range?: { start: number; end: number }) =>
    await text(await store.opener(sha256)(range));
  return { directory, clock, used, store, files, read };
}

const content = (source = SOURCE) => Readable.from([Buffer.from(source)]);

describe("files of deployments", () => {
  it("P29 are sealed on the disk, equal ones are kept once, and are read whole or in part", async () => {
    const { store, files, read, used } = await openStore();
    const session = store.open();
    const first = await session.put(content(), 1_000);
    expect(first).toEqual({
      sha256: createHash("sha256").update(SOURCE).digest("hex"),
      sizeBytes: SOURCE.length,
    });
    expect(await session.put(content(), 1_000)).toEqual(first);
    used.add(first.sha256);
    await session.close();
    expect(files()).toHaveLength(1);
    for (const path of files()) {
      expect([readFileSync(path).includes("recognisable"), path.includes(first.sha256)]).toEqual([false, false]);
    }
    expect(await read(first.sha256)).toBe(SOURCE);
    expect(await read(first.sha256, { start: 7, end: 13 })).toBe("default");
    await expect(read("0".repeat(64))).rejects.toThrow("no blob");
  });

  it("go when nothing names them, and not while another deployment holds them or brings them", async () => {
    const { store, files, read, clock } = await openStore();
    const [one, two] = [store.open(), store.open()];
    const { sha256 } = await one.put(content(), 1_000);
    await two.put(content(), 1_000);
    clock.advance(10);
    await one.close();
    expect(await read(sha256)).toBe(SOURCE);
    // A third brings it while the last that holds it ends.
    const three = store.open();
    const brought = Promise.withResolvers<void>();
    const arriving = async function* () {
      yield Buffer.from(SOURCE);
      await brought.promise;
    };
    const late = three.put(Readable.from(arriving()), 1_000);
    clock.advance(10);
    const ending = two.close();
    brought.resolve();
    await Promise.all([late, ending]);
    expect(await read(sha256)).toBe(SOURCE);
    clock.advance(10);
    await three.close();
    expect(files()).toEqual([]);
  });

  it("leave nothing behind when they are too large", async () => {
    const { store, files } = await openStore();
    const session = store.open();
    await expect(session.put(content(), 5)).rejects.toMatchObject({ code: "REQUEST_TOO_LARGE" });
    await session.close();
    expect(files()).toEqual([]);
  });

  it("of an older version, in the clear, are sealed at the start, and what never arrived whole is removed", async () => {
    const directory = mkdtempSync(join(tmpdir(), "bundles-"));
    const sha256 = createHash("sha256").update(SOURCE).digest("hex");
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, sha256), SOURCE);
    writeFileSync(join(directory, "incoming-1"), SOURCE);
    const { files, read } = await openStore(directory);
    expect(await read(sha256)).toBe(SOURCE);
    expect(files()).toHaveLength(1);
    expect(files().some((path) => readFileSync(path).includes("recognisable"))).toBe(false);
  });
});
