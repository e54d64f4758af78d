import { randomBytes } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeBlobStore } from "../packages/kernel/src/blobs/blob-store.contract.ts";
import {
  createS3Client as createBucketClient,
  createManualClock,
  createS3BlobStore,
  parseS3Location,
  systemClock,
} from "../packages/kernel/src/index.ts";
import { createDeveloper } from "./harness/developer.ts";
import { createS3Access, createS3Client, type S3Access } from "./harness/s3-access.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// Bytes of objects in a bucket: that of a second Aerostack, through its S3 endpoint.

const MIB = 1024 * 1024;
const Bucket = "blobs";
let bucketServer: ServerProcess;
let access: S3Access;
let s3: S3Client;
let serial = 0;

beforeAll(async () => {
  bucketServer = await startServer({ env: UNLIMITED });
  const developer = await createDeveloper(bucketServer);
  access = await createS3Access(developer, await developer.createProject("Bucket"));
  s3 = createS3Client(access);
  await s3.send(new CreateBucketCommand({ Bucket }));
});
afterAll(async () => {
  s3?.destroy();
  await bucketServer?.dispose();
});

function bucketUrl(prefix: string, secret = access.secretAccessKey, bucket = Bucket): string {
  const url = new URL(`${access.endpoint}/${bucket}`);
  url.username = access.accessKeyId;
  url.password = encodeURIComponent(secret);
  url.searchParams.set("region", access.region);
  url.searchParams.set("prefix", prefix);
  return url.href;
}

async function everythingBelow(prefix: string): Promise<{ keys: string[]; bytes: Buffer }> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: prefix }));
  const keys = Contents.map(({ Key = "" }) => Key);
  const parts = await Promise.all(
    keys.map(async (Key) => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    }),
  );
  return { keys, bytes: Buffer.concat([Buffer.from(keys.join("\n")), ...parts]) };
}

function createStore(partBytes?: number) {
  serial++;
  const prefix = `contract/${serial}/`;
  const clock = createManualClock(Date.now());
  const client = createBucketClient(parseS3Location(bucketUrl(prefix)), systemClock);
  const spoolDirectory = join(tmpdir(), `spool-${process.pid}-${serial}`);
  const keys = { sealKey: randomBytes(32), idKey: randomBytes(32) };
  const store = createS3BlobStore({
    client,
    folder: "blobs/prj/",
    spoolDirectory,
    clock,
    ...keys,
    ...(partBytes === undefined ? {} : { partBytes }),
  });
  return {
    store,
    clock,
    prefix,
    spoolDirectory,
    rawBytes: async () => (await everythingBelow(prefix)).bytes,
    async close() {
      client.close();
      await rm(spoolDirectory, { recursive: true, force: true });
    },
  };
}

describeBlobStore("S3", async () => createStore());

test("a large blob is sent in parts and comes back whole; nothing stays in the spool", async () => {
  const { store, spoolDirectory, close } = createStore(5 * MIB);
  const content = randomBytes(13 * MIB);
  async function* pieces() {
    for (let at = 0; at < content.length; at += MIB) yield content.subarray(at, at + MIB);
  }
  const { id } = await store.put(pieces());
  expect(Buffer.concat(await (await store.get(id)).toArray()).equals(content)).toBe(true);
  const part = await store.get(id, { offset: 6 * MIB - 3, length: 10 });
  expect(Buffer.concat(await part.toArray()).equals(content.subarray(6 * MIB - 3, 6 * MIB + 7))).toBe(true);
  expect(await readdir(spoolDirectory)).toEqual([]);
  await close();
});

test("parts of a blob whose sender died are removed once they are old, and neither blobs nor uploads in progress are", async () => {
  const { store, prefix, close } = createStore(5 * MIB);
  async function* large() {
    for (let at = 0; at < 6; at++) yield randomBytes(MIB);
  }
  const { id } = await store.put(large());
  const Key = `${prefix}blobs/prj/aa/${"a".repeat(64)}`;
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: "left" }));
  const elsewhere = `${prefix}others/${"b".repeat(64)}`;
  await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: elsewhere }));
  const uploads = async () => {
    const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket, Prefix: prefix }));
    return Uploads.map((upload) => upload.Key);
  };
  await store.discardPartial(Date.now() - 60_000);
  expect(await uploads()).toEqual([Key, elsewhere]);
  await store.discardPartial(Date.now() + 60_000);
  expect(await uploads()).toEqual([elsewhere]);
  expect((await store.stat(id))?.size).toBe(6 * MIB);
  await close();
});

test("objects from before there was a bucket move into it, and none is lost when the server is killed on the way", async () => {
  const OBJECTS = 60;
  let server = await startServer({ env: UNLIMITED });
  const developer = await createDeveloper(server);
  const project = await developer.createProject("Moves");
  const local = await createS3Access(developer, project);
  const client = createS3Client(local);
  const contents = new Map(
    Array.from({ length: OBJECTS }, (_, index) => [`object ${index}`, randomBytes(300_000 + index)]),
  );
  for (const [Key, Body] of contents) await client.send(new PutObjectCommand({ Bucket: "default", Key, Body }));
  const { port, dataDir } = server;
  const folder = join(dataDir, "host", "blobs", project.id);
  const filesLeft = async () => {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile() && /^[0-9a-f]{64}$/.test(entry.name)).length;
  };
  expect(await filesLeft()).toBe(OBJECTS);
  await server.stop();

  const env = { ...UNLIMITED, AEROSTACK_S3_URL: bucketUrl("moved/") };
  server = await startServer({ env, port, dataDir });
  await expect.poll(filesLeft, { interval: 10, timeout: 60_000 }).toBeLessThan(OBJECTS - 5);
  await server.kill();
  const whenKilled = await filesLeft();
  expect(whenKilled).toBeGreaterThan(0);
  server = await startServer({ env, port, dataDir });
  async function expectAll(): Promise<void> {
    for (const [Key, content] of contents) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: "default", Key }));
      expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(content)).toBe(true);
    }
  }
  await expectAll();
  await expect.poll(filesLeft, { interval: 100, timeout: 30_000 }).toBe(0);
  expect((await everythingBelow("moved/")).keys).toHaveLength(OBJECTS);
  await expectAll();
  await server.dispose();
  client.destroy();
}, 120_000);

test("a server with AEROSTACK_S3_URL keeps the bytes of objects in the bucket, sealed, and finds them after a restart", async () => {
  const env = { ...UNLIMITED, AEROSTACK_S3_URL: bucketUrl("server/") };
  let server = await startServer({ env });
  const developer = await createDeveloper(server);
  const project = await developer.createProject("In a bucket");
  const { secret } = await developer.createKey(project);
  const form = new FormData();
  form.set("key", "a.txt");
  form.set("file", new Blob(["a sentence that nobody may read".repeat(1000)]));
  const headers = { "x-aerostack-key": secret };
  const uploaded = await fetch(`${server.url}/v1/storage/upload`, { method: "POST", headers, body: form });
  const { url } = (await uploaded.json()) as { url: string };
  expect(await (await fetch(url)).text()).toContain("nobody may read");
  const { keys, bytes } = await everythingBelow("server/");
  expect(keys).toEqual([expect.stringMatching(new RegExp(`^server/blobs/${project.id}/[0-9a-f]{2}/[0-9a-f]{64}$`))]);
  expect(bytes.includes("nobody may read")).toBe(false);
  const { port, dataDir } = server;
  await server.stop();
  server = await startServer({ env, port, dataDir });
  expect(await (await fetch(url, { headers: { range: "bytes=2-9" } })).text()).toBe("sentence");
  await developer.call("DELETE", `/api/v1/projects/${project.id}?confirm=${project.slug}`);
  expect((await everythingBelow("server/")).keys).toEqual([]);
  await server.dispose();
});

test("a bucket that does not answer as it should stops the start, and no secret is shown", async () => {
  for (const AEROSTACK_S3_URL of [
    bucketUrl("x/", "wrong secret"),
    bucketUrl("x/", access.secretAccessKey, "no-such-bucket"),
    `${access.endpoint}/blobs`,
    "https://key:secret@example.com/",
  ]) {
    const failure = await startServer({ env: { AEROSTACK_S3_URL } }).then(
      async (server) => {
        await server.dispose();
        return new Error("it started");
      },
      (error: Error) => error,
    );
    expect(failure.message).toContain("AEROSTACK_S3_URL: ");
    expect(failure.message).not.toContain(access.secretAccessKey);
    expect(failure.message).not.toContain("wrong");
  }
});
