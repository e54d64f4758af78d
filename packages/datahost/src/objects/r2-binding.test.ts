import { createHash } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startWorkerd, type WorkerdUnderTest } from "../state/workerd-test-support.ts";
import { createTestObjects } from "./object-test-support.ts";
import { createR2Binding } from "./r2-binding.ts";

const md5 = (content: string | Buffer): string => createHash("md5").update(content).digest("hex");

describe("R2 binding in workerd", () => {
  const world = createTestObjects();
  const name = { projectId: "prj_test", bucket: "default" };
  let workerd: WorkerdUnderTest;
  const run = <T>(body: string, input?: unknown): Promise<T> => workerd.run<T>(body, input);

  beforeAll(async () => {
    const handler = createR2Binding({ objects: world.objects });
    workerd = await startWorkerd([
      { name: "STORAGE", kind: "r2Bucket", resource: "default", handler },
      { name: "OTHER", kind: "r2Bucket", resource: "other", handler },
    ]);
  });
  afterEach(async () => {
    const keys = world.rpc["objects.list"](name).objects.map(({ key }) => key);
    if (keys.length > 0) await world.rpc["objects.delete"]({ ...name, keys });
  });
  afterAll(async () => {
    await workerd.close();
    world.remove();
  });

  test("put, get and head tell the same object", async () => {
    const [stored, got, head, text] = await run<Record<string, unknown>[]>(`
      const describe = (o) => ({ key: o.key, version: o.version, size: o.size, etag: o.etag, httpEtag: o.httpEtag, uploaded: o.uploaded,
        httpMetadata: o.httpMetadata, customMetadata: o.customMetadata, storageClass: o.storageClass, checksums: o.checksums.toJSON() });
      const stored = await env.STORAGE.put("dir/é 😀.txt", "content", {
        httpMetadata: { contentType: "text/plain", contentLanguage: "de", contentDisposition: "inline", contentEncoding: "identity", cacheControl: "no-store", cacheExpiry: new Date(5000) },
        customMetadata: { "clé": "wért", empty: "" },
      });
      const got = await env.STORAGE.get("dir/é 😀.txt");
      return [describe(stored), describe(got), describe(await env.STORAGE.head("dir/é 😀.txt")), await got.text()];`);
    expect(stored).toMatchObject({
      key: "dir/é 😀.txt",
      size: 7,
      etag: md5("content"),
      httpEtag: `"${md5("content")}"`,
      uploaded: new Date(world.clock.now()).toISOString(),
      httpMetadata: { contentType: "text/plain", cacheExpiry: new Date(5000).toISOString() },
      customMetadata: { clé: "wért", empty: "" },
      storageClass: "Standard",
      checksums: { md5: md5("content") },
    });
    expect(got).toEqual(stored);
    expect(head).toEqual(stored);
    expect(text).toBe("content");
  });

  test("values may be text, bytes, a blob, a stream, null, or empty", async () => {
    expect(
      await run(`
        await env.STORAGE.put("bytes", new Uint8Array([0, 255]));
        await env.STORAGE.put("blob", new Blob(["blob"]));
        await env.STORAGE.put("stream", new Response("stream").body);
        await env.STORAGE.put("null", null);
        await env.STORAGE.put("empty", "");
        const bytes = new Uint8Array(await (await env.STORAGE.get("bytes")).arrayBuffer());
        const texts = await Promise.all(["blob", "stream", "null", "empty"].map(async (key) => (await env.STORAGE.get(key)).text()));
        return [[...bytes], texts];`),
    ).toEqual([
      [0, 255],
      ["blob", "stream", "", ""],
    ]);
  });

  test("a large object streams in and out", async () => {
    const size = 20 * 1024 * 1024;
    expect(
      await run(
        `const { readable, writable } = new FixedLengthStream(input);
         const writing = (async () => {
           const writer = writable.getWriter();
           const piece = new Uint8Array(256 * 1024).fill(7);
           for (let sent = 0; sent < input; sent += piece.length) await writer.write(piece);
           await writer.close();
         })();
         const stored = await env.STORAGE.put("large", readable);
         await writing;
         let received = 0;
         for await (const chunk of (await env.STORAGE.get("large")).body) received += chunk.length;
         return [stored.size, received];`,
        size,
      ),
    ).toEqual([size, size]);
  });

  test("a reader that stops early disturbs nobody", async () => {
    expect(
      await run(`
        await env.STORAGE.put("cut", new Uint8Array(5_000_000));
        for (let i = 0; i < 5; i++) {
          const reader = (await env.STORAGE.get("cut")).body.getReader();
          await reader.read();
          await reader.cancel();
        }
        return (await (await env.STORAGE.get("cut")).arrayBuffer()).byteLength;`),
    ).toBe(5_000_000);
  });

  test("what is not there is null, and deleting it is no error", async () => {
    expect(
      await run(
        `return [await env.STORAGE.get("none"), await env.STORAGE.head("none"), (await env.STORAGE.delete("none")) ?? null];`,
      ),
    ).toEqual([null, null, null]);
  });

  test.each(["../../etc/passwd", "/", "..", "a//b", "%2e%2e", "\u0000", "__proto__", "x".repeat(1024)])(
    "key %j is its own",
    async (key) => {
      expect(
        await run(
          `await env.STORAGE.put(input, "v"); const list = await env.STORAGE.list({ prefix: input });
           return [await (await env.STORAGE.get(input)).text(), (await env.STORAGE.head(input)).key, list.objects.map((o) => o.key)];`,
          key,
        ),
      ).toEqual(["v", key, [key]]);
    },
  );

  test.each<[string, string, { offset: number; length: number }]>([
    ["{ offset: 2 }", "cdefghij", { offset: 2, length: 8 }],
    ["{ length: 3 }", "abc", { offset: 0, length: 3 }],
    ["{ offset: 2, length: 3 }", "cde", { offset: 2, length: 3 }],
    ["{ offset: 8, length: 100 }", "ij", { offset: 8, length: 2 }],
    ["{ suffix: 4 }", "ghij", { offset: 6, length: 4 }],
    [`new Headers({ range: "bytes=1-3" })`, "bcd", { offset: 1, length: 3 }],
    [`new Headers({ range: "bytes=-2" })`, "ij", { offset: 8, length: 2 }],
  ])("range %s reads %j", async (range, text, told) => {
    expect(
      await run(`
        await env.STORAGE.put("alphabet", "abcdefghij");
        const object = await env.STORAGE.get("alphabet", { range: ${range} });
        return [await object.text(), object.range, object.size];`),
    ).toEqual([text, told, 10]);
  });

  test("get with a condition that fails gives the object without its body", async () => {
    expect(
      await run(`
        const { etag } = await env.STORAGE.put("k", "v");
        const failing = [{ etagMatches: "x" }, { etagDoesNotMatch: etag }, new Headers({ "if-none-match": '"' + etag + '"' }), { uploadedBefore: new Date(0) }];
        const meeting = [{ etagMatches: etag }, { etagDoesNotMatch: "x" }, new Headers({ "if-match": '"' + etag + '"' }), { uploadedAfter: new Date(0) }];
        const bodies = (conditions) => Promise.all(conditions.map(async (onlyIf) => { const o = await env.STORAGE.get("k", { onlyIf }); return [o.key, "body" in o && o.body !== undefined]; }));
        return [await bodies(failing), await bodies(meeting)];`),
    ).toEqual([Array.from({ length: 4 }, () => ["k", false]), Array.from({ length: 4 }, () => ["k", true])]);
  });

  test("put with a condition stores only where it holds", async () => {
    expect(
      await run(`
        const results = [];
        const attempt = async (onlyIf, value) => results.push((await env.STORAGE.put("k", value, { onlyIf })) === null ? "refused" : await (await env.STORAGE.get("k")).text());
        await attempt({ etagMatches: "*" }, "one");
        await attempt(new Headers({ "if-none-match": "*" }), "two");
        await attempt(new Headers({ "if-none-match": "*" }), "three");
        const { etag } = await env.STORAGE.head("k");
        await attempt({ etagMatches: etag }, "four");
        await attempt({ etagMatches: etag }, "five");
        return results;`),
    ).toEqual(["refused", "two", "refused", "four", "refused"]);
  });

  test("checksums are verified and kept", async () => {
    const content = "checked";
    for (const hash of ["md5", "sha1", "sha256", "sha384", "sha512"] as const) {
      const digest = createHash(hash).update(content).digest("hex");
      const options = { [hash]: digest };
      expect(
        await run(
          `await env.STORAGE.put("k", "checked", input); return (await env.STORAGE.head("k")).checksums.toJSON()`,
          options,
        ),
      ).toEqual({ md5: md5(content), [hash]: digest });
      await expect(run(`return env.STORAGE.put("k", "other", input)`, options)).rejects.toThrow(
        /^put: The .* checksum you specified did not match what we received\. .* \(10037\)$/,
      );
      expect(await run(`return (await env.STORAGE.get("k")).text()`)).toBe(content);
    }
  });

  test("list tells metadata when it is asked for, and its order is that of bytes", async () => {
    expect(
      await run(`
        for (const key of ["b", "a", "😀", "\\uffff", "A"]) await env.STORAGE.put(key, key, { customMetadata: { k: key }, httpMetadata: { contentType: "x/y" } });
        const plain = await env.STORAGE.list();
        const full = await env.STORAGE.list({ include: ["httpMetadata", "customMetadata"], limit: 1 });
        return [plain.objects.map((o) => o.key), plain.truncated, plain.objects[0].customMetadata ?? null, full.objects[0].customMetadata, full.objects[0].httpMetadata.contentType, full.truncated];`),
    ).toEqual([["A", "a", "b", "\uffff", "😀"], false, null, { k: "A" }, "x/y", true]);
  });

  test("list pages with prefix, delimiter, startAfter and cursor", async () => {
    expect(
      await run(`
        for (const key of ["x", "p/a", "p/b/1", "p/b/2", "p/c", "p/d/1", "p/e", "q/1"]) await env.STORAGE.put(key, "");
        const pages = []; let cursor;
        do {
          const page = await env.STORAGE.list({ prefix: "p/", delimiter: "/", limit: 2, cursor });
          pages.push([page.objects.map((o) => o.key), page.delimitedPrefixes]);
          cursor = page.truncated ? page.cursor : undefined;
        } while (cursor !== undefined);
        const top = await env.STORAGE.list({ delimiter: "/" });
        const after = await env.STORAGE.list({ prefix: "p/", startAfter: "p/b/1" });
        return { pages, top: [top.objects.map((o) => o.key), top.delimitedPrefixes], after: after.objects.map((o) => o.key) };`),
    ).toEqual({
      pages: [
        [["p/a"], ["p/b/"]],
        [["p/c"], ["p/d/"]],
        [["p/e"], []],
      ],
      top: [["x"], ["p/", "q/"]],
      after: ["p/b/2", "p/c", "p/d/1", "p/e"],
    });
  });

  test("many keys are deleted at once", async () => {
    expect(
      await run(`
        const keys = Array.from({ length: 1000 }, (_, i) => "k".repeat(500) + i);
        await Promise.all(keys.slice(0, 50).map((key) => env.STORAGE.put(key, "")));
        await env.STORAGE.put("stays", "");
        await env.STORAGE.delete(keys);
        return (await env.STORAGE.list()).objects.map((o) => o.key);`),
    ).toEqual(["stays"]);
  });

  test("buckets do not see each other", async () => {
    expect(
      await run(
        `await env.OTHER.put("mine", "other"); return [await env.STORAGE.head("mine"), await (await env.OTHER.get("mine")).text()]`,
      ),
    ).toEqual([null, "other"]);
  });

  test("a multipart upload becomes one object with its metadata, and its etag is that of its parts", async () => {
    const part = Buffer.alloc(5 * 1024 * 1024, 1);
    const digest = createHash("md5")
      .update(Buffer.from(md5(part), "hex"))
      .update(Buffer.from(md5("tail"), "hex"));
    expect(
      await run(`
        const upload = await env.STORAGE.createMultipartUpload("multi", { customMetadata: { a: "b" }, httpMetadata: { contentType: "x/y" }, storageClass: "InfrequentAccess" });
        const resumed = env.STORAGE.resumeMultipartUpload("multi", upload.uploadId);
        const second = await resumed.uploadPart(2, "tail");
        await upload.uploadPart(3, "left out");
        await upload.uploadPart(1, "replaced");
        const first = await upload.uploadPart(1, new Uint8Array(5 * 1024 * 1024).fill(1));
        const before = await env.STORAGE.head("multi");
        const object = await upload.complete([second, first]);
        const got = await env.STORAGE.get("multi", { range: { suffix: 5 } });
        return [before, object.size, object.etag, got.customMetadata, got.httpMetadata.contentType, got.storageClass, await got.text()];`),
    ).toEqual([
      null,
      part.length + 4,
      `${digest.digest("hex")}-2`,
      { a: "b" },
      "x/y",
      "InfrequentAccess",
      "\u0001tail",
    ]);
  });

  test.each([
    [`env.STORAGE.put("x".repeat(1025), "v")`, "put: The specified object name is not valid. (10020)"],
    [
      `env.STORAGE.put("k", "v", { customMetadata: { a: "x".repeat(8192) } })`,
      "put: Your metadata headers exceed the maximum allowed metadata size. (10012)",
    ],
    [
      `env.STORAGE.put("k", "v", { storageClass: "Cold" })`,
      "put: The storage class you specified is not valid. (10029)",
    ],
    [
      `env.STORAGE.put("k", "v", { ssecKey: "a".repeat(64) })`,
      "put: Server-side encryption with customer-provided keys is not supported. (10029)",
    ],
    [
      `env.STORAGE.put("k", "abc").then(() => env.STORAGE.get("k", { range: { offset: 3 } }))`,
      "get: The requested range is not satisfiable (10039)",
    ],
    [`env.STORAGE.list({ limit: 1001 })`, "list: MaxKeys params must be positive integer <= 1000. (10022)"],
    [`env.STORAGE.list({ cursor: "nonsense" })`, "list: The cursor is not valid. (10029)"],
    [
      `env.STORAGE.delete(Array.from({ length: 1001 }, (_, i) => "k" + i))`,
      "delete: At most 1000 keys can be deleted at once. (10029)",
    ],
    [
      `env.STORAGE.resumeMultipartUpload("k", "none").uploadPart(1, "v")`,
      "uploadPart: The specified multipart upload does not exist. (10024)",
    ],
    [
      `env.STORAGE.resumeMultipartUpload("k", "none").complete([])`,
      "completeMultipartUpload: The specified multipart upload does not exist. (10024)",
    ],
    [
      `env.STORAGE.resumeMultipartUpload("k", "none").abort()`,
      "abortMultipartUpload: The specified multipart upload does not exist. (10024)",
    ],
    [
      `env.STORAGE.createMultipartUpload("k").then(async (u) => { await u.uploadPart(1, "v"); return u.complete([{ partNumber: 2, etag: "x" }]); })`,
      "completeMultipartUpload: One or more of the specified parts could not be found. (10025)",
    ],
    [
      `env.STORAGE.createMultipartUpload("k").then(async (u) => u.complete([await u.uploadPart(1, "small"), await u.uploadPart(2, "v")]))`,
      "completeMultipartUpload: Your proposed upload is smaller than the minimum allowed object size. (10011)",
    ],
    [
      `env.STORAGE.createMultipartUpload("k").then(async (u) => { const part = await u.uploadPart(1, "v"); await u.abort(); return u.complete([part]); })`,
      "completeMultipartUpload: The specified multipart upload does not exist. (10024)",
    ],
    [
      `env.STORAGE.createMultipartUpload("k").then(async (u) => env.STORAGE.resumeMultipartUpload("other", u.uploadId).uploadPart(1, "v"))`,
      "uploadPart: The specified multipart upload does not exist. (10024)",
    ],
  ])("%s is refused in R2's words", async (call, message) => {
    await expect(run(`return ${call}`)).rejects.toThrow(message);
  });

  test("a large body that is refused does not break its connection", async () => {
    expect(
      await run(`
        const refused = [];
        for (let i = 0; i < 3; i++) {
          await env.STORAGE.put("x".repeat(1025), new Uint8Array(8_000_000)).catch((error) => refused.push(error.message));
          await env.STORAGE.put("k", "v", { onlyIf: { etagMatches: "x" } });
          await env.STORAGE.put("after", String(i));
        }
        return [refused.every((message) => message.includes("10020")), await (await env.STORAGE.get("after")).text()];`),
    ).toEqual([true, "2"]);
  });
});
