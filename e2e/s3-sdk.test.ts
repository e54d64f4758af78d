import { createHash, randomBytes } from "node:crypto";
import { Agent } from "node:http";
import type { LookupFunction } from "node:net";
import { Readable } from "node:stream";
import {
  AbortMultipartUploadCommand,
  ChecksumAlgorithm,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketAclCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLocationCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetObjectAclCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { createS3Access, createS3Client, type S3Access } from "./harness/s3-access.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// The S3 endpoint through the AWS SDK, unchanged.

const MIB = 1024 * 1024;
const Bucket = "default";

let server: ServerProcess;
let developer: Developer;
let project: Project;
let access: S3Access;
let s3: S3Client;

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  developer = await createDeveloper(server);
  project = await developer.createProject("S3 SDK");
  access = await createS3Access(developer, project);
  s3 = createS3Client(access);
});
afterAll(async () => {
  s3?.destroy();
  await server?.dispose();
});

const put = (
  Key: string,
  Body: NonNullable<PutObjectCommandInput["Body"]>,
  more: Partial<PutObjectCommandInput> = {},
) => s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));

async function read(Key: string, bucket = Bucket): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

const md5 = (content: Buffer | string): string => `"${createHash("md5").update(content).digest("hex")}"`;
const failing = (name: string, status: number) => ({ name, $metadata: { httpStatusCode: status } });

describe("buckets", () => {
  test("are made, listed, found, and deleted when they are empty", async () => {
    await s3.send(new CreateBucketCommand({ Bucket: "photos" }));
    await expect(s3.send(new CreateBucketCommand({ Bucket: "photos" }))).rejects.toMatchObject(
      failing("BucketAlreadyOwnedByYou", 409),
    );
    const { Buckets = [], Owner } = await s3.send(new ListBucketsCommand({}));
    expect(Buckets.map(({ Name }) => Name)).toEqual(["default", "photos"]);
    expect(Owner?.ID).toBe(project.id);
    expect((await s3.send(new HeadBucketCommand({ Bucket: "photos" }))).BucketRegion).toBe("auto");
    await s3.send(new PutObjectCommand({ Bucket: "photos", Key: "a", Body: "a" }));
    await expect(s3.send(new DeleteBucketCommand({ Bucket: "photos" }))).rejects.toMatchObject(
      failing("BucketNotEmpty", 409),
    );
    await s3.send(new DeleteObjectCommand({ Bucket: "photos", Key: "a" }));
    await s3.send(new DeleteBucketCommand({ Bucket: "photos" }));
    await expect(s3.send(new HeadBucketCommand({ Bucket: "photos" }))).rejects.toMatchObject(failing("NotFound", 404));
    await expect(s3.send(new PutObjectCommand({ Bucket: "photos", Key: "a" }))).rejects.toMatchObject(
      failing("NoSuchBucket", 404),
    );
    await expect(s3.send(new DeleteBucketCommand({ Bucket }))).rejects.toMatchObject(failing("AccessDenied", 403));
    await expect(s3.send(new CreateBucketCommand({ Bucket: "Not_A.Name" }))).rejects.toMatchObject(
      failing("InvalidBucketName", 400),
    );
  });

  test("answer what clients probe for", async () => {
    expect((await s3.send(new GetBucketLocationCommand({ Bucket }))).LocationConstraint).toBeUndefined();
    expect((await s3.send(new GetBucketVersioningCommand({ Bucket }))).Status).toBeUndefined();
    const { Grants } = await s3.send(new GetBucketAclCommand({ Bucket }));
    expect(Grants).toEqual([
      { Grantee: expect.objectContaining({ ID: project.id, Type: "CanonicalUser" }), Permission: "FULL_CONTROL" },
    ]);
    const encryption = await s3.send(new GetBucketEncryptionCommand({ Bucket }));
    expect(
      encryption.ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm,
    ).toBe("AES256");
    await expect(s3.send(new GetBucketTaggingCommand({ Bucket }))).rejects.toMatchObject(failing("NoSuchTagSet", 404));
  });

  test("keep lifecycle rules as they were set", async () => {
    await s3.send(new CreateBucketCommand({ Bucket: "ruled" }));
    await expect(s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket: "ruled" }))).rejects.toMatchObject(
      failing("NoSuchLifecycleConfiguration", 404),
    );
    const Rules = [
      {
        ID: "tmp",
        Status: "Enabled" as const,
        Filter: { Prefix: "tmp/" },
        Expiration: { Days: 7 },
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
      },
    ];
    await s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket: "ruled", LifecycleConfiguration: { Rules } }));
    expect((await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket: "ruled" }))).Rules).toEqual(Rules);
    const unknown = [{ ...Rules[0], Status: "Enabled" as const, NoncurrentVersionExpiration: { NoncurrentDays: 1 } }];
    await expect(
      s3.send(
        new PutBucketLifecycleConfigurationCommand({ Bucket: "ruled", LifecycleConfiguration: { Rules: unknown } }),
      ),
    ).rejects.toMatchObject(failing("NotImplemented", 501));
  });
});

describe("objects", () => {
  test("come back as they were put, with their headers and metadata", async () => {
    const content = randomBytes(300_000);
    const stored = await put("a/ü b+c.bin", content, {
      ContentType: "image/png",
      CacheControl: "max-age=5",
      ContentDisposition: 'attachment; filename="x.png"',
      ContentLanguage: "de",
      ContentEncoding: "identity",
      Metadata: { colour: "blue", name: "plain" },
    });
    expect(stored.ETag).toBe(md5(content));
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: "a/ü b+c.bin" }));
    expect(head).toMatchObject({
      ContentLength: 300_000,
      ContentType: "image/png",
      CacheControl: "max-age=5",
      ContentDisposition: 'attachment; filename="x.png"',
      ContentLanguage: "de",
      ContentEncoding: "identity",
      Metadata: { colour: "blue", name: "plain" },
      ETag: md5(content),
      ServerSideEncryption: "AES256",
    });
    expect((await read("a/ü b+c.bin")).equals(content)).toBe(true);
    await expect(read("nowhere")).rejects.toMatchObject({ ...failing("NoSuchKey", 404), Code: "NoSuchKey" });
    await expect(s3.send(new HeadObjectCommand({ Bucket, Key: "nowhere" }))).rejects.toMatchObject(
      failing("NotFound", 404),
    );
    await put("empty", "");
    expect((await read("empty")).length).toBe(0);
  });

  test.each(
    Object.values(ChecksumAlgorithm).filter((one) => ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"].includes(one)),
  )("a %s that the client sends is checked, kept and told again", async (algorithm) => {
    const content = randomBytes(100_000);
    const Key = `checksum/${algorithm}`;
    await put(Key, content, { ChecksumAlgorithm: algorithm });
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: "ENABLED" }));
    const field = `Checksum${algorithm}` as const;
    expect(head[field as keyof typeof head]).toEqual(expect.any(String));
    expect(head.ChecksumType).toBe("FULL_OBJECT");
    expect((await read(Key)).equals(content)).toBe(true);
    const wrong = {
      [field]: Buffer.alloc(Buffer.from(String(head[field as keyof typeof head]), "base64").length).toString("base64"),
    };
    await expect(put(`${Key}/wrong`, content, wrong)).rejects.toMatchObject(failing("BadDigest", 400));
    await expect(read(`${Key}/wrong`)).rejects.toMatchObject(failing("NoSuchKey", 404));
  });

  test("are put as streams, in AWS's chunks with a trailer", async () => {
    const content = randomBytes(3 * MIB + 17);
    const Body = Readable.from([content.subarray(0, 100_000), content.subarray(100_000)]);
    await put("stream", Body, { ContentLength: content.length, ChecksumAlgorithm: "CRC32C" });
    expect((await read("stream")).equals(content)).toBe(true);
  });

  test("answer ranges and conditions", async () => {
    await put("range", "0123456789");
    const get = (more: object) => s3.send(new GetObjectCommand({ Bucket, Key: "range", ...more }));
    const part = await get({ Range: "bytes=2-4" });
    expect(await part.Body?.transformToString()).toBe("234");
    expect(part).toMatchObject({ ContentRange: "bytes 2-4/10", $metadata: { httpStatusCode: 206 } });
    expect(await (await get({ Range: "bytes=-2" })).Body?.transformToString()).toBe("89");
    await expect(get({ Range: "bytes=10-" })).rejects.toMatchObject(failing("InvalidRange", 416));
    await expect(get({ IfMatch: '"x"' })).rejects.toMatchObject(failing("PreconditionFailed", 412));
    await expect(get({ IfNoneMatch: md5("0123456789") })).rejects.toMatchObject({
      $metadata: { httpStatusCode: 304 },
    });
    await expect(get({ IfUnmodifiedSince: new Date(0) })).rejects.toMatchObject(failing("PreconditionFailed", 412));
    const override = await get({ ResponseContentType: "text/x", ResponseContentDisposition: "inline" });
    expect(override).toMatchObject({ ContentType: "text/x", ContentDisposition: "inline" });
  });

  test("are written under a condition: one of two creations wins, and a replaced one is told", async () => {
    const create = () => put("lock", randomBytes(10), { IfNoneMatch: "*" });
    const results = await Promise.allSettled([create(), create(), create()]);
    expect(results.filter((result) => result.status === "fulfilled")).toHaveLength(1);
    await expect(create()).rejects.toMatchObject(failing("PreconditionFailed", 412));
    const { ETag } = await s3.send(new HeadObjectCommand({ Bucket, Key: "lock" }));
    await put("lock", "next", { IfMatch: ETag ?? "" });
    await expect(put("lock", "late", { IfMatch: ETag ?? "" })).rejects.toMatchObject(
      failing("PreconditionFailed", 412),
    );
    await expect(put("no lock", "x", { IfMatch: ETag ?? "" })).rejects.toMatchObject(failing("NoSuchKey", 404));
    const remove = (IfMatch: string) => s3.send(new DeleteObjectCommand({ Bucket, Key: "lock", IfMatch }));
    await expect(remove(ETag ?? "")).rejects.toMatchObject(failing("PreconditionFailed", 412));
    const next = await s3.send(new HeadObjectCommand({ Bucket, Key: "lock" }));
    expect(await remove(next.ETag ?? "")).toMatchObject({ $metadata: { httpStatusCode: 204 } });
    expect(await remove(next.ETag ?? "")).toMatchObject({ $metadata: { httpStatusCode: 204 } });
    await expect(s3.send(new HeadObjectCommand({ Bucket, Key: "lock" }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 404 },
    });
  });

  test("are copied with or without their metadata, within and across buckets", async () => {
    await put("copy/from ü", "copied", { ContentType: "text/x", Metadata: { a: "1" } });
    await s3.send(new CreateBucketCommand({ Bucket: "copies" }));
    const CopySource = `${Bucket}/${encodeURIComponent("copy/from ü")}`;
    const copy = (Key: string, more: object = {}) =>
      s3.send(new CopyObjectCommand({ Bucket: "copies", Key, CopySource, ...more }));
    expect((await copy("one")).CopyObjectResult?.ETag).toBe(md5("copied"));
    const head = (Key: string) => s3.send(new HeadObjectCommand({ Bucket: "copies", Key }));
    expect(await head("one")).toMatchObject({ ContentType: "text/x", Metadata: { a: "1" } });
    await copy("two", { MetadataDirective: "REPLACE", Metadata: { b: "2" }, ContentType: "text/y" });
    expect(await head("two")).toMatchObject({ ContentType: "text/y", Metadata: { b: "2" } });
    expect((await read("two", "copies")).toString()).toBe("copied");
    await expect(copy("three", { CopySourceIfMatch: '"x"' })).rejects.toMatchObject(failing("PreconditionFailed", 412));
    const self = { Bucket, Key: "copy/from ü", CopySource };
    await expect(s3.send(new CopyObjectCommand(self))).rejects.toMatchObject(failing("InvalidRequest", 400));
    await s3.send(new CopyObjectCommand({ ...self, MetadataDirective: "REPLACE", Metadata: { c: "3" } }));
    expect((await s3.send(new HeadObjectCommand({ Bucket, Key: "copy/from ü" }))).Metadata).toEqual({ c: "3" });
    const missing = { Bucket, Key: "x", CopySource: `${Bucket}/none` };
    await expect(s3.send(new CopyObjectCommand(missing))).rejects.toMatchObject(failing("NoSuchKey", 404));
  });

  test("are public where their ACL says so, and then have an address for everybody", async () => {
    await put("acl.txt", "acl", { ContentType: "text/plain" });
    const url = `${server.url}/storage/${project.slug}/acl.txt`;
    expect((await fetch(url)).status).toBe(404);
    await s3.send(new PutObjectAclCommand({ Bucket, Key: "acl.txt", ACL: "public-read" }));
    expect(await (await fetch(url)).text()).toBe("acl");
    const { Grants = [] } = await s3.send(new GetObjectAclCommand({ Bucket, Key: "acl.txt" }));
    expect(Grants.map(({ Permission }) => Permission)).toEqual(["FULL_CONTROL", "READ"]);
    await s3.send(new PutObjectAclCommand({ Bucket, Key: "acl.txt", ACL: "private" }));
    expect((await fetch(url)).status).toBe(404);
    await put("born-public.txt", "x", { ACL: "public-read" });
    expect((await fetch(`${server.url}/storage/${project.slug}/born-public.txt`)).status).toBe(200);
    await expect(put("x", "x", { ACL: "authenticated-read" })).rejects.toMatchObject(
      failing("AccessControlListNotSupported", 400),
    );
  });

  test("tell their attributes, and that they have no versions", async () => {
    await put("attributes", "12345");
    const found = await s3.send(
      new GetObjectAttributesCommand({
        Bucket,
        Key: "attributes",
        ObjectAttributes: ["ETag", "ObjectSize", "Checksum", "StorageClass"],
      }),
    );
    expect(found).toMatchObject({ ETag: md5("12345").replaceAll('"', ""), ObjectSize: 5, StorageClass: "STANDARD" });
    expect(found.Checksum?.ChecksumCRC32).toEqual(expect.any(String));
    const versions = await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix: "attributes" }));
    expect(versions.Versions).toMatchObject([{ Key: "attributes", VersionId: "null", IsLatest: true }]);
  });

  test("are deleted one by one and a thousand at once", async () => {
    const keys = Array.from({ length: 40 }, (_, index) => `many/${index} <&>"'`);
    await Promise.all(keys.map((key) => put(key, key)));
    const { Deleted = [], Errors = [] } = await s3.send(
      new DeleteObjectsCommand({
        Bucket,
        Delete: { Objects: [...keys, "many/none", "../bad"].map((Key) => ({ Key })) },
      }),
    );
    expect(Deleted.map(({ Key }) => Key).sort()).toEqual([...keys, "many/none"].sort());
    expect(Errors).toMatchObject([{ Key: "../bad", Code: "InvalidArgument" }]);
    expect((await s3.send(new ListObjectsV2Command({ Bucket, Prefix: "many/" }))).KeyCount).toBe(0);
    const tooMany = Array.from({ length: 1001 }, (_, index) => ({ Key: String(index) }));
    await expect(s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: tooMany } }))).rejects.toMatchObject(
      failing("MalformedXML", 400),
    );
  });
});

describe("lists", () => {
  const keys = ["l/a", "l/b/1", "l/b/2", "l/c & <d>", "l/e/", "l/ü", "l/z"];
  beforeAll(async () => {
    for (const key of keys) await put(key, key);
  });

  test("are in the order of bytes, and every page goes on where the last one ended", async () => {
    const all: string[] = [];
    let token: string | undefined;
    do {
      const page = await s3.send(
        new ListObjectsV2Command({ Bucket, Prefix: "l/", MaxKeys: 2, ContinuationToken: token, EncodingType: "url" }),
      );
      all.push(...(page.Contents ?? []).map(({ Key = "" }) => decodeURIComponent(Key)));
      token = page.NextContinuationToken;
      expect(page.IsTruncated).toBe(token !== undefined);
    } while (token !== undefined);
    expect(all).toEqual(["l/a", "l/b/1", "l/b/2", "l/c & <d>", "l/e/", "l/z", "l/ü"]);
    const after = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: "l/", StartAfter: "l/e/" }));
    expect(after.Contents?.map(({ Key }) => Key)).toEqual(["l/z", "l/ü"]);
  });

  test("group by a delimiter, in both versions of the protocol", async () => {
    const listed = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: "l/", Delimiter: "/" }));
    expect(listed.CommonPrefixes?.map(({ Prefix }) => Prefix)).toEqual(["l/b/", "l/e/"]);
    expect(listed.Contents?.map(({ Key }) => Key)).toEqual(["l/a", "l/c & <d>", "l/z", "l/ü"]);
    expect(listed.KeyCount).toBe(6);
    const seen: string[] = [];
    let Marker: string | undefined;
    for (let pages = 0; pages < 10; pages++) {
      const page = await s3.send(new ListObjectsCommand({ Bucket, Prefix: "l/", Delimiter: "/", MaxKeys: 1, Marker }));
      seen.push(...(page.Contents ?? []).map(({ Key = "" }) => Key));
      seen.push(...(page.CommonPrefixes ?? []).map(({ Prefix = "" }) => Prefix));
      Marker = page.NextMarker;
      if (Marker === undefined) break;
    }
    expect(seen).toEqual(["l/a", "l/b/", "l/c & <d>", "l/e/", "l/z", "l/ü"]);
    expect((await s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: 0 }))).KeyCount).toBe(0);
  });
});

describe("multipart uploads", () => {
  test("of lib-storage come back whole", async () => {
    const content = randomBytes(12 * MIB + 5);
    const upload = new Upload({
      client: s3,
      params: { Bucket, Key: "big", Body: Readable.from([content]), ContentType: "x/y", Metadata: { m: "1" } },
      partSize: 5 * MIB,
    });
    const done = await upload.done();
    expect(done.ETag).toMatch(/^"[0-9a-f]{32}-3"$/);
    expect((await read("big")).equals(content)).toBe(true);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: "big", PartNumber: 2 }));
    expect(head).toMatchObject({ ContentLength: 5 * MIB, PartsCount: 3, ContentType: "x/y", Metadata: { m: "1" } });
    const part = await s3.send(new GetObjectCommand({ Bucket, Key: "big", PartNumber: 3 }));
    const tail = Buffer.from((await part.Body?.transformToByteArray()) ?? []);
    expect(tail.equals(content.subarray(10 * MIB))).toBe(true);
    const across = await s3.send(
      new GetObjectCommand({ Bucket, Key: "big", Range: `bytes=${5 * MIB - 3}-${5 * MIB + 2}` }),
    );
    expect(
      Buffer.from((await across.Body?.transformToByteArray()) ?? []).equals(content.subarray(5 * MIB - 3, 5 * MIB + 3)),
    ).toBe(true);
  });

  test("are listed with their parts, take copies as parts, and end once", async () => {
    const Key = "multi/parts";
    const source = randomBytes(6 * MIB);
    await put("multi/source", source);
    const { UploadId = "" } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const upload = { Bucket, Key, UploadId };
    const copied = await s3.send(
      new UploadPartCopyCommand({
        ...upload,
        PartNumber: 1,
        CopySource: `${Bucket}/multi/source`,
        CopySourceRange: `bytes=0-${5 * MIB - 1}`,
      }),
    );
    const second = await s3.send(new UploadPartCommand({ ...upload, PartNumber: 7, Body: "tail" }));
    const listed = await s3.send(new ListPartsCommand({ ...upload, MaxParts: 1 }));
    expect(listed).toMatchObject({ IsTruncated: true, Parts: [{ PartNumber: 1, Size: 5 * MIB }] });
    const rest = await s3.send(new ListPartsCommand({ ...upload, PartNumberMarker: listed.NextPartNumberMarker }));
    expect(rest.Parts).toMatchObject([{ PartNumber: 7, Size: 4, ETag: second.ETag }]);
    const uploads = await s3.send(new ListMultipartUploadsCommand({ Bucket, Prefix: "multi/" }));
    expect(uploads.Uploads).toMatchObject([{ Key, UploadId }]);
    const one = { PartNumber: 1, ETag: copied.CopyPartResult?.ETag };
    const two = { PartNumber: 7, ETag: second.ETag };
    const complete = (Parts: object[]) =>
      s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
    await expect(complete([two, one])).rejects.toMatchObject(failing("InvalidPartOrder", 400));
    await expect(complete([{ ...one, ETag: '"x"' }])).rejects.toMatchObject(failing("InvalidPart", 400));
    await expect(complete([one, { PartNumber: 3, ETag: '"x"' }])).rejects.toMatchObject(failing("InvalidPart", 400));
    expect((await complete([one, two])).ETag).toMatch(/-2"$/);
    await expect(complete([one, two])).rejects.toMatchObject(failing("NoSuchUpload", 404));
    expect((await read(Key)).equals(Buffer.concat([source.subarray(0, 5 * MIB), Buffer.from("tail")]))).toBe(true);
  });

  test("refuse small parts in the middle, part numbers that are none, and uploads that are not there", async () => {
    const Key = "multi/small";
    const { UploadId = "" } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const upload = { Bucket, Key, UploadId };
    const parts = [];
    for (const PartNumber of [1, 2]) {
      const { ETag } = await s3.send(new UploadPartCommand({ ...upload, PartNumber, Body: "small" }));
      parts.push({ PartNumber, ETag });
    }
    await expect(
      s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } })),
    ).rejects.toMatchObject(failing("EntityTooSmall", 400));
    for (const PartNumber of [0, 10_001, -1]) {
      await expect(s3.send(new UploadPartCommand({ ...upload, PartNumber, Body: "x" }))).rejects.toMatchObject(
        failing("InvalidArgument", 400),
      );
    }
    await s3.send(new AbortMultipartUploadCommand(upload));
    for (const wrong of [upload, { ...upload, UploadId: "none" }]) {
      await expect(s3.send(new UploadPartCommand({ ...wrong, PartNumber: 1, Body: "x" }))).rejects.toMatchObject(
        failing("NoSuchUpload", 404),
      );
    }
    await expect(s3.send(new AbortMultipartUploadCommand(upload))).rejects.toMatchObject(failing("NoSuchUpload", 404));
  });
});

describe("presigned URLs", () => {
  test("read and write one object until they expire, and nothing else", async () => {
    const putUrl = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: "presigned" }), { expiresIn: 60 });
    expect((await fetch(putUrl, { method: "PUT", body: "by url" })).status).toBe(200);
    const getUrl = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: "presigned" }), { expiresIn: 60 });
    expect(await (await fetch(getUrl)).text()).toBe("by url");
    expect((await fetch(getUrl, { method: "PUT", body: "x" })).status).toBe(403);
    expect((await fetch(getUrl.replace("presigned?", "lock?"))).status).toBe(403);
    expect((await fetch(getUrl.replace("X-Amz-Expires=60", "X-Amz-Expires=6000"))).status).toBe(403);
    const old = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: "presigned" }), {
      expiresIn: 10,
      signingDate: new Date(Date.now() - 60_000),
    });
    const expired = await fetch(old);
    expect(expired.status).toBe(403);
    expect(await expired.text()).toContain("<Message>Request has expired</Message>");
  });
});

test("hosts name the bucket: the same objects at <bucket>.s3.<domain>", async () => {
  const { port } = new URL(server.url);
  // Not every resolver knows names below localhost.
  const lookup: LookupFunction = (_host, _options, done) => done(null, [{ address: "127.0.0.1", family: 4 }]);
  const requestHandler = { httpAgent: new Agent({ lookup }) };
  const endpoint = `http://s3.localhost:${port}`;
  const hosted = createS3Client(access, { endpoint, forcePathStyle: false, requestHandler });
  await hosted.send(new PutObjectCommand({ Bucket, Key: "hosted/ü", Body: "by host" }));
  expect((await read("hosted/ü")).toString()).toBe("by host");
  const listed = await hosted.send(new ListObjectsV2Command({ Bucket, Prefix: "hosted/" }));
  expect(listed.Contents?.map(({ Key }) => Key)).toEqual(["hosted/ü"]);
  const byPath = createS3Client(access, { endpoint, requestHandler });
  expect((await byPath.send(new ListBucketsCommand({}))).Buckets?.length).toBeGreaterThan(0);
  hosted.destroy();
  byPath.destroy();
});

test("a key that only reads writes nothing, and one that was revoked does nothing", async () => {
  const reading = await createS3Access(developer, project, "read-only");
  const client = createS3Client(reading);
  await put("readable", "x");
  expect((await client.send(new HeadObjectCommand({ Bucket, Key: "readable" }))).ContentLength).toBe(1);
  for (const command of [
    new PutObjectCommand({ Bucket, Key: "w", Body: "x" }),
    new DeleteObjectCommand({ Bucket, Key: "readable" }),
    new CreateBucketCommand({ Bucket: "w" }),
    new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: "readable" }] } }),
  ]) {
    await expect(client.send(command as PutObjectCommand)).rejects.toMatchObject(failing("AccessDenied", 403));
  }
  await developer.call("DELETE", `/api/v1/projects/${project.id}/s3-keys/${reading.accessKeyId}`);
  await expect(client.send(new HeadBucketCommand({ Bucket }))).rejects.toMatchObject({
    $metadata: { httpStatusCode: 403 },
  });
  const listed = await developer.call<{ keys: { accessKeyId: string; revokedAt: string | null }[] }>(
    "GET",
    `/api/v1/projects/${project.id}/s3-keys`,
  );
  expect(listed.keys.find((key) => key.accessKeyId === reading.accessKeyId)?.revokedAt).toEqual(expect.any(String));
  expect(JSON.stringify(listed)).not.toContain(reading.secretAccessKey);
  client.destroy();
});

test("another project's bucket is as absent as one that was never made", async () => {
  const stranger = await createDeveloper(server);
  const theirs = await stranger.createProject("Not yours");
  const client = createS3Client(await createS3Access(stranger, theirs));
  await client.send(new CreateBucketCommand({ Bucket: "theirs" }));
  await client.send(new PutObjectCommand({ Bucket: "theirs", Key: "secret", Body: "x" }));
  for (const bucket of ["theirs", "never-made"]) {
    await expect(s3.send(new HeadBucketCommand({ Bucket: bucket }))).rejects.toMatchObject(failing("NotFound", 404));
    await expect(read("secret", bucket)).rejects.toMatchObject(failing("NoSuchBucket", 404));
  }
  await expect(
    s3.send(new CopyObjectCommand({ Bucket, Key: "stolen", CopySource: "theirs/secret" })),
  ).rejects.toMatchObject(failing("NoSuchBucket", 404));
  client.destroy();
});

test("what S3 stores, a function's env.STORAGE reads", async () => {
  await put("shared.txt", "by S3", { Metadata: { from: "s3" } });
  const worker = `export default { async fetch(request, env) {
    const object = await env.STORAGE.get("shared.txt");
    return Response.json({ text: await object.text(), from: object.customMetadata.from });
  } }`;
  await developer.deploy(project, { name: "reader", worker, isPublic: true });
  expect(await (await fetch(developer.functionUrl(project, "reader"))).json()).toEqual({ text: "by S3", from: "s3" });
});
