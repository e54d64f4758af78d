import { execFile } from "node:child_process";
import { promisify } from "node:util";
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectTaggingCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startProjectServer } from "./harness/project-server.ts";
import { createS3Access, createS3Client, type S3Access } from "./harness/s3-access.ts";

// Tags of objects, as the AWS SDK and the AWS CLI set and read them.

const Bucket = "default";
let world: Awaited<ReturnType<typeof startProjectServer>>;
let access: S3Access;
let s3: S3Client;

beforeAll(async () => {
  world = await startProjectServer("S3 tags");
  access = await createS3Access(world.developer, world.project);
  s3 = createS3Client(access);
});
afterAll(async () => {
  s3?.destroy();
  await world?.server.dispose();
});

const put = (Key: string, Tagging?: string) =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body: Key, ...(Tagging === undefined ? {} : { Tagging }) }));
const setTags = (Key: string, tags: Record<string, string>) =>
  s3.send(
    new PutObjectTaggingCommand({
      Bucket,
      Key,
      Tagging: { TagSet: Object.entries(tags).map(([tag, Value]) => ({ Key: tag, Value })) },
    }),
  );
async function tagsOf(Key: string, client = s3): Promise<Record<string, string>> {
  const { TagSet = [] } = await client.send(new GetObjectTaggingCommand({ Bucket, Key }));
  return Object.fromEntries(TagSet.map(({ Key: tag = "", Value = "" }) => [tag, Value]));
}
const failing = (name: string, status: number) => ({ name, $metadata: { httpStatusCode: status } });

test("tags are set with an object, replaced as a whole, counted, and removed; the object stays what it was", async () => {
  await put("report", "team=blue%20sky&year=2026&empty=");
  expect(await tagsOf("report")).toEqual({ team: "blue sky", year: "2026", empty: "" });
  const before = await s3.send(new GetObjectCommand({ Bucket, Key: "report" }));
  expect(before.TagCount).toBe(3);
  await setTags("report", { größe: "a+b=c/d@e:f.g_h-i" });
  expect(await tagsOf("report")).toEqual({ größe: "a+b=c/d@e:f.g_h-i" });
  const after = await s3.send(new HeadObjectCommand({ Bucket, Key: "report" }));
  expect([after.ETag, after.LastModified, after.TagCount]).toEqual([before.ETag, before.LastModified, 1]);
  expect(await before.Body?.transformToString()).toBe("report");
  await s3.send(new DeleteObjectTaggingCommand({ Bucket, Key: "report" }));
  expect(await tagsOf("report")).toEqual({});
  expect((await s3.send(new HeadObjectCommand({ Bucket, Key: "report" }))).TagCount).toBeUndefined();
  await put("report", "old=1");
  await put("report");
  expect(await tagsOf("report")).toEqual({});
});

test("a copy has its source's tags unless others are given for it", async () => {
  await put("copy/from", "a=1");
  const copy = (Key: string, more: object = {}) =>
    s3.send(new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/copy/from`, ...more }));
  await copy("copy/same", { MetadataDirective: "REPLACE", Metadata: { x: "y" }, Tagging: "ignored=1" });
  expect(await tagsOf("copy/same")).toEqual({ a: "1" });
  await copy("copy/other", { TaggingDirective: "REPLACE", Tagging: "b=2" });
  expect(await tagsOf("copy/other")).toEqual({ b: "2" });
  await copy("copy/none", { TaggingDirective: "REPLACE" });
  expect(await tagsOf("copy/none")).toEqual({});
  await expect(copy("copy/wrong", { TaggingDirective: "MERGE" })).rejects.toMatchObject(
    failing("InvalidArgument", 400),
  );
  expect(await tagsOf("copy/from")).toEqual({ a: "1" });
});

test("an upload in parts has the tags that it began with", async () => {
  const at = { Bucket, Key: "parts" };
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ ...at, Tagging: "a=1&b=2" }));
  const { ETag } = await s3.send(new UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body: "x" }));
  const Parts = [{ PartNumber: 1, ETag }];
  await s3.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }));
  expect(await tagsOf("parts")).toEqual({ a: "1", b: "2" });
});

test("ten tags of 128 and 256 characters are taken; more, longer, doubled and foreign ones change nothing", async () => {
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`tag${at}`, `${at}`]));
  await put("limits");
  await setTags("limits", many(10));
  await setTags("limits", { ["k".repeat(128)]: "v".repeat(256) });
  const kept = await tagsOf("limits");
  const refused: [string, Record<string, string>, string][] = [
    ["eleven", many(11), "BadRequest"],
    ["long key", { ["k".repeat(129)]: "" }, "InvalidTag"],
    ["long value", { k: "v".repeat(257) }, "InvalidTag"],
    ["no key", { "": "v" }, "InvalidTag"],
    ["reserved", { "aws:owner": "v" }, "InvalidTag"],
    ["characters of a key", { "a<b": "v" }, "InvalidTag"],
    ["characters of a value", { a: "b&c" }, "InvalidTag"],
    ["line break", { a: "b\nc" }, "InvalidTag"],
  ];
  for (const [name, tags, code] of refused) {
    await expect(setTags("limits", tags), name).rejects.toMatchObject(failing(code, 400));
    const header = new URLSearchParams(tags).toString();
    await expect(put("limits", header), `${name} in a header`).rejects.toMatchObject(failing(code, 400));
  }
  const doubled = { TagSet: [1, 2].map((value) => ({ Key: "a", Value: `${value}` })) };
  await expect(s3.send(new PutObjectTaggingCommand({ Bucket, Key: "limits", Tagging: doubled }))).rejects.toMatchObject(
    failing("InvalidTag", 400),
  );
  await expect(put("limits", "a=1&a=2")).rejects.toMatchObject(failing("InvalidArgument", 400));
  await expect(put("limits", "a=%ff")).rejects.toMatchObject(failing("InvalidArgument", 400));
  expect(await tagsOf("limits")).toEqual(kept);
});

test("what is not there, is another project's, or may only be read, has no tags to set", async () => {
  await put("mine", "a=1");
  const stranger = await world.developer.createProject("Stranger");
  const foreign = createS3Client(await createS3Access(world.developer, stranger));
  const reader = createS3Client(await createS3Access(world.developer, world.project, "read-only"));
  await expect(tagsOf("mine", foreign)).rejects.toMatchObject(failing("NoSuchKey", 404));
  await expect(tagsOf("none")).rejects.toMatchObject(failing("NoSuchKey", 404));
  await expect(setTags("none", { a: "1" })).rejects.toMatchObject(failing("NoSuchKey", 404));
  expect(await tagsOf("mine", reader)).toEqual({ a: "1" });
  const write = new PutObjectTaggingCommand({ Bucket, Key: "mine", Tagging: { TagSet: [] } });
  await expect(reader.send(write)).rejects.toMatchObject(failing("AccessDenied", 403));
  const versioned = { Bucket, Key: "mine", VersionId: "other" };
  await expect(s3.send(new DeleteObjectTaggingCommand(versioned))).rejects.toMatchObject(failing("NoSuchVersion", 404));
  expect(await tagsOf("mine")).toEqual({ a: "1" });
  foreign.destroy();
  reader.destroy();
});

const hasCli = await promisify(execFile)("aws", ["--version"]).then(
  () => true,
  () => false,
);
test.skipIf(!hasCli)("the AWS CLI puts, gets and deletes tags", { timeout: 60_000 }, async () => {
  await put("cli");
  async function aws(operation: string, ...args: string[]): Promise<string> {
    const at = ["--endpoint-url", access.endpoint, "s3api", operation, "--bucket", Bucket, "--key", "cli"];
    const { stdout } = await promisify(execFile)("aws", [...at, ...args], {
      env: {
        PATH: process.env.PATH ?? "",
        AWS_ACCESS_KEY_ID: access.accessKeyId,
        AWS_SECRET_ACCESS_KEY: access.secretAccessKey,
        AWS_DEFAULT_REGION: access.region,
        AWS_EC2_METADATA_DISABLED: "true",
      },
    });
    return stdout;
  }
  await aws("put-object-tagging", "--tagging", "TagSet=[{Key=stage,Value=live}]");
  expect(JSON.parse(await aws("get-object-tagging"))).toEqual({ TagSet: [{ Key: "stage", Value: "live" }] });
  await aws("delete-object-tagging");
  expect(await tagsOf("cli")).toEqual({});
});
