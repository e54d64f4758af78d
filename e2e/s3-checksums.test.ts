import { randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";
import {
  type ChecksumAlgorithm,
  type ChecksumType,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandInput,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createChecksum } from "../packages/server/src/storage/s3/payload/checksums.ts";
import { startProjectServer } from "./harness/project-server.ts";
import { createS3Access, createS3Client } from "./harness/s3-access.ts";

// Checksums of objects that are put together of parts, through the AWS SDK.

const MIB = 1024 * 1024;
const Bucket = "default";
const contents = [randomBytes(5 * MIB), randomBytes(5 * MIB + 17), Buffer.from("tail")];
const whole = Buffer.concat(contents);
let world: Awaited<ReturnType<typeof startProjectServer>>;
let s3: S3Client;

beforeAll(async () => {
  world = await startProjectServer("S3 checksums");
  s3 = createS3Client(await createS3Access(world.developer, world.project));
});
afterAll(async () => {
  s3?.destroy();
  await world?.server.dispose();
});

const failing = (name: string, status: number) => ({ name, $metadata: { httpStatusCode: status } });
const fieldOf = (algorithm: string) => `Checksum${algorithm}` as "ChecksumCRC32";
function digest(algorithm: string, bytes: Buffer): Buffer {
  const checksum = createChecksum(algorithm.toLowerCase() as "crc32");
  checksum.update(bytes);
  return checksum.digest();
}
const base64 = (algorithm: string, bytes: Buffer): string => digest(algorithm, bytes).toString("base64");
function compositeOf(algorithm: string): string {
  const parts = Buffer.concat(contents.map((part) => digest(algorithm, part)));
  return `${base64(algorithm, parts)}-${contents.length}`;
}

async function begin(Key: string, ChecksumAlgorithm: ChecksumAlgorithm, type?: ChecksumType) {
  const { UploadId = "" } = await s3.send(
    new CreateMultipartUploadCommand({
      Bucket,
      Key,
      ChecksumAlgorithm,
      ...(type === undefined ? {} : { ChecksumType: type }),
    }),
  );
  const upload = { Bucket, Key, UploadId };
  const Parts: CompletedPart[] = [];
  for (const [index, Body] of contents.entries()) {
    const part = await s3.send(new UploadPartCommand({ ...upload, PartNumber: index + 1, Body, ChecksumAlgorithm }));
    const field = fieldOf(ChecksumAlgorithm);
    expect(part[field]).toBe(base64(ChecksumAlgorithm, Body));
    Parts.push({ PartNumber: index + 1, ETag: part.ETag, [field]: part[field] });
  }
  const complete = (more: Partial<CompleteMultipartUploadCommandInput> = {}, parts = Parts) =>
    s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts }, ...more }));
  return { upload, complete, Parts };
}

const CASES = [
  ["CRC32", undefined, "COMPOSITE"],
  ["CRC32C", undefined, "COMPOSITE"],
  ["SHA1", undefined, "COMPOSITE"],
  ["SHA256", "COMPOSITE", "COMPOSITE"],
  ["CRC32", "FULL_OBJECT", "FULL_OBJECT"],
  ["CRC32C", "FULL_OBJECT", "FULL_OBJECT"],
  ["CRC64NVME", undefined, "FULL_OBJECT"],
] as const;

test.each(CASES)("%s (%s) of parts is kept and answered", { timeout: 60_000 }, async (algorithm, type, kept) => {
  const Key = `sum/${algorithm}/${kept}`;
  const { complete, upload } = await begin(Key, algorithm, type);
  const listed = await s3.send(new ListPartsCommand(upload));
  expect(listed).toMatchObject({ ChecksumAlgorithm: algorithm, ChecksumType: kept });
  const field = fieldOf(algorithm);
  expect(listed.Parts?.map((part) => part[field])).toEqual(contents.map((part) => base64(algorithm, part)));
  const { Uploads } = await s3.send(new ListMultipartUploadsCommand({ Bucket, Prefix: Key }));
  expect(Uploads).toMatchObject([{ Key, ChecksumAlgorithm: algorithm, ChecksumType: kept }]);

  const value = kept === "FULL_OBJECT" ? base64(algorithm, whole) : compositeOf(algorithm);
  const checked = { ChecksumType: kept, MpuObjectSize: whole.length, [field]: value };
  expect(await complete(checked)).toMatchObject({ [field]: value, ChecksumType: kept });
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: "ENABLED" }));
  expect([head[field], head.ChecksumType]).toEqual([value, kept]);
  expect((await s3.send(new HeadObjectCommand({ Bucket, Key })))[field]).toBeUndefined();
  // The SDK reads all of it and compares.
  const read = await s3.send(new GetObjectCommand({ Bucket, Key, ChecksumMode: "ENABLED" }));
  expect(read[field]).toBe(value);
  expect(Buffer.from((await read.Body?.transformToByteArray()) ?? []).equals(whole)).toBe(true);
  const ranged = await s3.send(new GetObjectCommand({ Bucket, Key, ChecksumMode: "ENABLED", Range: "bytes=0-9" }));
  expect(ranged[field]).toBeUndefined();

  const Attributes = { Bucket, Key, ObjectAttributes: ["ETag", "Checksum", "ObjectParts", "ObjectSize"] as const };
  const first = await s3.send(
    new GetObjectAttributesCommand({ ...Attributes, ObjectAttributes: [...Attributes.ObjectAttributes], MaxParts: 2 }),
  );
  expect(first).toMatchObject({
    ObjectSize: whole.length,
    Checksum: { [field]: value, ChecksumType: kept },
    ObjectParts: { TotalPartsCount: 3, IsTruncated: true, NextPartNumberMarker: "2" },
  });
  expect(first.ObjectParts?.Parts).toEqual(
    contents.slice(0, 2).map((part, index) => ({
      PartNumber: index + 1,
      Size: part.length,
      [field]: base64(algorithm, part),
    })),
  );

  const copy = { Bucket, Key: `${Key}/copy`, CopySource: `${Bucket}/${Key}` };
  await s3.send(new CopyObjectCommand(copy));
  const copied = await s3.send(new HeadObjectCommand({ Bucket, Key: copy.Key, ChecksumMode: "ENABLED" }));
  expect([copied[field], copied.ChecksumType]).toEqual([value, kept]);
});

test("lib-storage and the SDK's own checks agree with what is kept", async () => {
  const params = { Bucket, Key: "lib", Body: whole, ChecksumAlgorithm: "CRC32" as const };
  const done = await new Upload({ client: s3, params, partSize: 5 * MIB }).done();
  expect(done.ETag).toMatch(/-3"$/);
  const read = await s3.send(new GetObjectCommand({ Bucket, Key: "lib", ChecksumMode: "ENABLED" }));
  expect(read.ChecksumCRC32).toMatch(/-3$/);
  expect(Buffer.from((await read.Body?.transformToByteArray()) ?? []).equals(whole)).toBe(true);
});

test("the checksum of an object of one part is that of its bytes", async () => {
  await s3.send(new PutObjectCommand({ Bucket, Key: "one", Body: "content" }));
  const { ChecksumCRC32 } = await s3.send(new HeadObjectCommand({ Bucket, Key: "one", ChecksumMode: "ENABLED" }));
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32("content"));
  expect(ChecksumCRC32).toBe(bytes.toString("base64"));
});

test("parts and wholes that are not what the upload began with, or is said of them, are refused, and nothing is made", async () => {
  const Key = "wrong";
  const { complete, upload, Parts } = await begin(Key, "CRC32", "FULL_OBJECT");
  const part = { ...upload, PartNumber: 3, Body: "tail" };
  await expect(s3.send(new UploadPartCommand({ ...part, ChecksumAlgorithm: "SHA256" }))).rejects.toMatchObject(
    failing("InvalidRequest", 400),
  );
  await expect(s3.send(new UploadPartCommand({ ...part, ChecksumCRC32: "AAAAAA==" }))).rejects.toMatchObject(
    failing("BadDigest", 400),
  );
  const cases: [string, Partial<CompleteMultipartUploadCommandInput>, CompletedPart[], string][] = [
    ["the whole's checksum", { ChecksumCRC32: "AAAAAA==" }, Parts, "BadDigest"],
    ["type", { ChecksumType: "COMPOSITE" }, Parts, "InvalidRequest"],
    ["size", { MpuObjectSize: 5 }, Parts, "InvalidRequest"],
    ["a part's checksum", {}, Parts.map((one) => ({ ...one, ChecksumCRC32: "AAAAAA==" })), "InvalidPart"],
    [
      "a part's algorithm",
      {},
      Parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag, ChecksumSHA1: "AAAAAAAAAAAAAAAAAAAAAAAAAAA=" })),
      "InvalidRequest",
    ],
  ];
  for (const [name, more, parts, code] of cases) {
    await expect(complete(more, parts), name).rejects.toMatchObject(failing(code, 400));
  }
  await expect(s3.send(new HeadObjectCommand({ Bucket, Key }))).rejects.toMatchObject(failing("NotFound", 404));
  await expect(begin("never", "SHA256", "FULL_OBJECT")).rejects.toMatchObject(failing("InvalidRequest", 400));
  await expect(begin("never", "CRC64NVME", "COMPOSITE")).rejects.toMatchObject(failing("InvalidRequest", 400));
  // Without their checksums in the last request, the kept ones of the parts are used.
  const bare = Parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }));
  expect((await complete({}, bare)).ChecksumCRC32).toBe(base64("CRC32", whole));
});

test("a copied part has a checksum of its own", async () => {
  const first = contents[0] ?? Buffer.alloc(0);
  await s3.send(new PutObjectCommand({ Bucket, Key: "source", Body: first }));
  const Key = "copied parts";
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm: "CRC64NVME" }));
  const upload = { Bucket, Key, UploadId };
  const { CopyPartResult } = await s3.send(
    new UploadPartCopyCommand({ ...upload, PartNumber: 1, CopySource: `${Bucket}/source` }),
  );
  expect(CopyPartResult?.ChecksumCRC64NVME).toBe(base64("CRC64NVME", first));
  const tail = await s3.send(
    new UploadPartCommand({ ...upload, PartNumber: 2, Body: "tail", ChecksumAlgorithm: "CRC64NVME" }),
  );
  const Parts = [
    { PartNumber: 1, ETag: CopyPartResult?.ETag },
    { PartNumber: 2, ETag: tail.ETag },
  ];
  const done = await s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
  expect(done.ChecksumCRC64NVME).toBe(base64("CRC64NVME", Buffer.concat([first, Buffer.from("tail")])));
});

test("what functions read as an object's SHA-256 is never that of its parts", async () => {
  const { complete } = await begin("for functions", "SHA256");
  await complete();
  const worker = `export default { async fetch(request, env) {
    return Response.json((await env.STORAGE.head("for functions")).checksums.toJSON());
  } }`;
  await world.developer.deploy(world.project, { name: "sums", worker, isPublic: true });
  expect(await (await fetch(world.developer.functionUrl(world.project, "sums"))).json()).toEqual({});
});
