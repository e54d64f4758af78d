import { createHash } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { UPLOAD_EXPIRES_AFTER_MS } from "./object-limits.ts";
import { bytesOf, createTestObjects, PLAIN } from "./object-test-support.ts";

const name = { projectId: "prj_a", bucket: "default" };
let world: ReturnType<typeof createTestObjects>;
beforeEach(() => {
  world = createTestObjects();
});
afterEach(() => world.remove());

const append = (uploadId: string, offset: number, content: string, checksums = {}) =>
  world.objects.append(name, { uploadId, offset }, bytesOf(content), { size: undefined, checksums });

test("pieces of any size become one object, and the upload tells its end afterwards", async () => {
  const uploadId = await world.objects.createUpload(name, "k", PLAIN, { length: 6 });
  expect(await append(uploadId, 0, "a")).toEqual({ offset: 1 });
  expect(await append(uploadId, 1, "bcdef")).toEqual({ offset: 6 });
  const object = await world.objects.finishUpload(name, uploadId);
  expect(object).toMatchObject({ key: "k", size: 6, etag: expect.stringMatching(/^[0-9a-f]{32}-2$/) });
  const { content } = await world.objects.get(name, "k");
  expect(Buffer.concat(await content.toArray()).toString()).toBe("abcdef");
  const upload = world.rpc["objects.findUpload"]({ ...name, uploadId });
  expect(upload).toMatchObject({ offset: 6, length: 6, finishedAt: world.clock.now() });
  await expect(append(uploadId, 6, "g")).rejects.toMatchObject({ kind: "wrongOffset" });
  world.clock.advance(UPLOAD_EXPIRES_AFTER_MS + 1);
  await world.collector.search("prj_a");
  expect(world.rpc["objects.findUpload"]({ ...name, uploadId })).toBeNull();
  expect(world.objects.head(name, "k").size).toBe(6);
});

test("of two pieces for one offset, one is taken", async () => {
  const uploadId = await world.objects.createUpload(name, "k", PLAIN, { length: 6 });
  const results = await Promise.allSettled([append(uploadId, 0, "abc"), append(uploadId, 0, "xyz")]);
  expect(results.filter((result) => result.status === "fulfilled")).toHaveLength(1);
  expect(world.rpc["objects.findUpload"]({ ...name, uploadId })?.offset).toBe(3);
});

test("more bytes than announced, or others than their checksum says, are not taken", async () => {
  const uploadId = await world.objects.createUpload(name, "k", PLAIN, { length: 3 });
  await expect(append(uploadId, 0, "abcd")).rejects.toMatchObject({ kind: "entityTooLarge" });
  const sha1 = createHash("sha1").update("other").digest("hex");
  await expect(append(uploadId, 0, "abc", { sha1 })).rejects.toMatchObject({ kind: "badDigest" });
  expect(world.rpc["objects.findUpload"]({ ...name, uploadId })?.offset).toBe(0);
  await expect(world.objects.finishUpload(name, uploadId)).rejects.toMatchObject({ kind: "noSuchUpload" });
});

test("an upload of nothing is an empty object", async () => {
  const uploadId = await world.objects.createUpload(name, "k", PLAIN, { length: 0 });
  expect(await world.objects.finishUpload(name, uploadId)).toMatchObject({
    size: 0,
    etag: createHash("md5").digest("hex"),
  });
});

test("S3's rule: parts of several sizes in ascending order, none but the last small", async () => {
  const MIB = 1024 * 1024;
  const uploadId = await world.objects.createUpload(name, "k", PLAIN);
  const etags: string[] = [];
  for (const [index, size] of [6 * MIB, 5 * MIB, 3].entries()) {
    const upload = { key: "k", uploadId, partNumber: index + 1 };
    etags.push((await world.objects.uploadPart(name, upload, bytesOf("x".repeat(size), MIB), size)).etag);
  }
  const chosen = etags.map((etag, index) => ({ part: index + 1, etag }));
  const upload = { key: "k", uploadId };
  await expect(world.objects.completeUpload(name, upload, [...chosen].reverse(), { rule: "s3" })).rejects.toMatchObject(
    { kind: "invalidPartOrder" },
  );
  await expect(world.objects.completeUpload(name, upload, chosen)).rejects.toMatchObject({ kind: "badUpload" });
  const object = await world.objects.completeUpload(name, upload, chosen, { rule: "s3" });
  expect(object.size).toBe(11 * MIB + 3);
  const second = world.objects.locate(name, "k", { part: 2 });
  expect(second).toMatchObject({ range: { offset: 6 * MIB, length: 5 * MIB }, partCount: 3 });
});

test("a move is one commit: the object is at its new key and no more at the old one", async () => {
  await world.objects.put(name, "from", bytesOf("abc"), { attributes: PLAIN, size: 3 });
  const to = { bucket: "default", key: "to" };
  await world.objects.copy("prj_a", { bucket: "default", key: "from" }, to, { move: true });
  expect(world.rpc["objects.head"]({ ...name, key: "from" })).toBeNull();
  expect(world.rpc["objects.head"]({ ...name, key: "to" })?.size).toBe(3);
  await world.objects.copy("prj_a", to, to, { move: true });
  expect(world.rpc["objects.head"]({ ...name, key: "to" })?.size).toBe(3);
});
