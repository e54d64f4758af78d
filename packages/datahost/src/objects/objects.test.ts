import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { UNCOUNTED_GRACE_MS, UNUSED_GRACE_MS } from "./object-collector.ts";
import { MIN_PART_BYTES, UPLOAD_EXPIRES_AFTER_MS } from "./object-limits.ts";
import { bytesOf, createTestObjects, PLAIN } from "./object-test-support.ts";

const name = { projectId: "prj_a", bucket: "default" };

describe("objects", () => {
  let world: ReturnType<typeof createTestObjects>;
  beforeEach(() => {
    world = createTestObjects();
  });
  afterEach(() => world.remove());

  const put = (key: string, content: Buffer | string, bucket = "default") =>
    world.objects.put({ ...name, bucket }, key, bytesOf(content), {
      attributes: PLAIN,
      size: Buffer.byteLength(content),
    });
  async function read(key: string, bucket = "default"): Promise<string> {
    const { content } = await world.objects.get({ ...name, bucket }, key);
    return Buffer.concat(await content.toArray()).toString();
  }
  const blobs = () => world.blobIds("prj_a");

  test("an object is whole or not there when its upload is cut short", async () => {
    async function* cut(): AsyncGenerator<Buffer> {
      yield Buffer.alloc(100_000);
      throw new Error("connection lost");
    }
    await put("k", "before");
    await expect(world.objects.put(name, "k", cut(), { attributes: PLAIN, size: 200_000 })).rejects.toThrow(
      "connection lost",
    );
    await expect(world.objects.put(name, "k", bytesOf("abc"), { attributes: PLAIN, size: 4 })).rejects.toMatchObject({
      kind: "invalidArgument",
    });
    expect(await read("k")).toBe("before");
    expect(await blobs()).toHaveLength(1);
  });

  test("a replaced or deleted object's bytes go after a while, those still used by another stay", async () => {
    await put("a", "shared");
    await put("b", "shared");
    await put("c", "own");
    expect(await blobs()).toHaveLength(2);
    await world.objects.delete(name, ["a"]);
    await put("c", "new");
    world.clock.advance(UNUSED_GRACE_MS);
    expect(await world.collector.collect()).toBe(0);
    world.clock.advance(1);
    expect(await world.collector.collect()).toBe(1);
    expect([await read("b"), await read("c")]).toEqual(["shared", "new"]);
    await world.objects.delete(name, ["b", "c"]);
    world.clock.advance(UNUSED_GRACE_MS + 1);
    expect(await world.collector.collect()).toBe(2);
    expect(await blobs()).toEqual([]);
  });

  test("bytes put again while their blob waits to be collected stay", async () => {
    await put("a", "content");
    await world.objects.delete(name, ["a"]);
    world.clock.advance(UNUSED_GRACE_MS + 1);
    // Stored, and not committed yet, when the collector comes by.
    const stored = await world.blobsOf("prj_a").put(bytesOf("content"));
    expect(await world.collector.collect()).toBe(0);
    expect(await blobs()).toEqual([stored.id]);
    await put("b", "content");
    world.clock.advance(UNUSED_GRACE_MS * 10);
    await world.collector.collect();
    expect(await read("b")).toBe("content");
  });

  test("puts, deletes and collections at once never leave an object without its bytes", async () => {
    const contents = ["one", "two", "three"];
    for (let round = 0; round < 30; round++) {
      await Promise.all([
        ...contents.map((content, index) => put(`k${index}`, content)),
        world.objects.delete(name, ["k0", "k1"]),
        world.collector.collect(),
        put("k1", contents[round % 3] ?? ""),
      ]);
      world.clock.advance(UNUSED_GRACE_MS + 1);
      const found = world.rpc["objects.list"](name).objects;
      for (const { key, size } of found) expect(await read(key)).toHaveLength(size);
    }
  });

  test("a blob that a crash left without a row is found and deleted after a day", async () => {
    await put("kept", "kept");
    const lost = await world.blobsOf("prj_a").put(bytesOf("lost"));
    expect(await world.collector.search("prj_a")).toBe(0);
    world.clock.advance(UNCOUNTED_GRACE_MS + 1);
    expect(await world.collector.search("prj_a")).toBe(1);
    expect(await blobs()).not.toContain(lost.id);
    expect(await read("kept")).toBe("kept");
  });

  test("a refused put leaves a blob that is collected, not an object", async () => {
    const onlyIf = { etagMatches: [{ type: "wildcard" as const }], secondsGranularity: false };
    const options = { attributes: PLAIN, size: 3, onlyIf };
    await expect(world.objects.put(name, "k", bytesOf("abc"), options)).rejects.toMatchObject({
      kind: "preconditionFailed",
    });
    const checksums = { md5: "0".repeat(32) };
    await expect(
      world.objects.put(name, "k", bytesOf("def"), { attributes: PLAIN, size: 3, checksums }),
    ).rejects.toMatchObject({ kind: "badDigest" });
    expect(world.rpc["objects.head"]({ ...name, key: "k" })).toBeNull();
    world.clock.advance(UNUSED_GRACE_MS + 1);
    expect(await world.collector.collect()).toBe(2);
    expect(await blobs()).toEqual([]);
  });

  test("two conditional puts at once: one wins", async () => {
    const onlyIf = { etagDoesNotMatch: [{ type: "wildcard" as const }], secondsGranularity: false };
    const results = await Promise.allSettled(
      ["one", "two", "three"].map((content) =>
        world.objects.put(name, "lock", bytesOf(content), { attributes: PLAIN, size: content.length, onlyIf }),
      ),
    );
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  test("a copy has the same bytes without storing them twice, and outlives its source", async () => {
    await put("source", "content");
    const copied = await world.rpc["objects.copy"]({
      projectId: "prj_a",
      from: { bucket: "default", key: "source" },
      to: { bucket: "other", key: "copy" },
      attributes: { customMetadata: { is: "copy" } },
    });
    expect(copied).toMatchObject({ key: "copy", size: 7, customMetadata: { is: "copy" } });
    expect(await blobs()).toHaveLength(1);
    await world.objects.delete(name, ["source"]);
    world.clock.advance(UNUSED_GRACE_MS + 1);
    await world.collector.collect();
    expect(await read("copy", "other")).toBe("content");
    expect(world.rpc["objects.buckets"]({ projectId: "prj_a" }).buckets.map((bucket) => bucket.name)).toEqual([
      "default",
      "other",
    ]);
  });

  test("an object copied onto itself keeps its bytes", async () => {
    await put("k", "content");
    const self = { bucket: "default", key: "k" };
    await world.rpc["objects.copy"]({
      projectId: "prj_a",
      from: self,
      to: self,
      attributes: { customMetadata: { a: "b" } },
    });
    world.clock.advance(UNUSED_GRACE_MS + 1);
    await world.collector.collect();
    expect(await read("k")).toBe("content");
  });

  test("ranges over the parts of a multipart object are exactly their bytes", async () => {
    const content = randomBytes(2 * MIN_PART_BYTES + 1000);
    const uploadId = await world.objects.createUpload(name, "big", PLAIN);
    const parts = await Promise.all(
      [0, 1, 2].map(async (index) => {
        const bytes = content.subarray(index * MIN_PART_BYTES, (index + 1) * MIN_PART_BYTES);
        const upload = { key: "big", uploadId, partNumber: index + 1 };
        const { etag } = await world.objects.uploadPart(name, upload, bytesOf(bytes), bytes.length);
        return { part: index + 1, etag };
      }),
    );
    await world.objects.completeUpload(name, { key: "big", uploadId }, parts.toReversed());
    for (const [offset, length] of [
      [0, content.length],
      [MIN_PART_BYTES - 3, 6],
      [MIN_PART_BYTES, MIN_PART_BYTES],
      [2 * MIN_PART_BYTES - 1, 2],
      [content.length - 5, 5],
      [10, 2 * MIN_PART_BYTES],
    ] as const) {
      const opened = await world.objects.get(name, "big", { offset, length });
      const bytes = Buffer.concat(await opened.content.toArray());
      expect(bytes.equals(content.subarray(offset, offset + length)), `${offset}+${length}`).toBe(true);
    }
  });

  test("parts that were replaced or left out are collected, the others stay", async () => {
    const uploadId = await world.objects.createUpload(name, "k", PLAIN);
    const upload = (partNumber: number, content: string) =>
      world.objects.uploadPart(name, { key: "k", uploadId, partNumber }, bytesOf(content), content.length);
    await upload(1, "replaced");
    const { etag } = await upload(1, "kept");
    await upload(2, "left out");
    await world.objects.completeUpload(name, { key: "k", uploadId }, [{ part: 1, etag }]);
    world.clock.advance(UNUSED_GRACE_MS + 1);
    expect(await world.collector.collect()).toBe(2);
    expect(await read("k")).toBe("kept");
    await put("k", "other");
    world.clock.advance(UNUSED_GRACE_MS + 1);
    expect(await world.collector.collect()).toBe(1);
  });

  test("an upload that is never completed is given up after a week, with its parts", async () => {
    const uploadId = await world.objects.createUpload(name, "k", PLAIN);
    const upload = { key: "k", uploadId, partNumber: 1 };
    await world.objects.uploadPart(name, upload, bytesOf("part"), 4);
    world.clock.advance(UPLOAD_EXPIRES_AFTER_MS + 1);
    await world.collector.search("prj_a");
    await expect(world.objects.uploadPart(name, upload, bytesOf("part"), 4)).rejects.toMatchObject({
      kind: "noSuchUpload",
    });
    world.clock.advance(UNUSED_GRACE_MS + 1);
    await world.collector.collect();
    expect(await blobs()).toEqual([]);
  });

  test("an object's bytes are not found under another project's keys", async () => {
    await put("k", "content");
    await world.objects.put({ projectId: "prj_b", bucket: "default" }, "k", bytesOf("content"), {
      attributes: PLAIN,
      size: 7,
    });
    expect(await blobs()).not.toEqual(await world.blobIds("prj_b"));
  });

  test("a page of a list stays below what the binding can read, however long keys and metadata are", async () => {
    const attributes = { ...PLAIN, customMetadata: { m: "x".repeat(8000) } };
    for (let i = 0; i < 150; i++) {
      await world.objects.put(name, `${"k".repeat(900)}${String(i).padStart(3, "0")}`, bytesOf(""), {
        attributes,
        size: 0,
      });
    }
    const keys: string[] = [];
    let cursor: string | null = null;
    do {
      const page: ReturnType<(typeof world.rpc)["objects.list"]> = world.rpc["objects.list"]({ ...name, cursor });
      expect(JSON.stringify(page).length).toBeLessThan(1024 * 1024);
      keys.push(...page.objects.map(({ key }) => key));
      cursor = page.cursor;
    } while (cursor !== null);
    expect(new Set(keys).size).toBe(150);
    expect(keys).toEqual(keys.toSorted());
  });

  test("a folder of any size is one prefix, and a page behind it goes on after it", async () => {
    for (let i = 0; i < 450; i++) await put(`folder/${i}`, "");
    await put("a", "");
    await put("z", "");
    const first = world.rpc["objects.list"]({ ...name, delimiter: "/", limit: 2 });
    expect([first.objects.map(({ key }) => key), first.delimitedPrefixes]).toEqual([["a"], ["folder/"]]);
    const second = world.rpc["objects.list"]({ ...name, delimiter: "/", limit: 2, cursor: first.cursor });
    expect([second.objects.map(({ key }) => key), second.delimitedPrefixes, second.cursor]).toEqual([["z"], [], null]);
  });
});
