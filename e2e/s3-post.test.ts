import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PostFormRequest, sendPostForm, signPostForm } from "./harness/post-form.ts";
import { startProjectServer } from "./harness/project-server.ts";
import { send } from "./harness/raw-http.ts";
import { createS3Access, createS3Client, type S3Access } from "./harness/s3-access.ts";

// Uploads by a browser's form (PostObject), with a policy that a key's owner signed.

const Bucket = "default";
const MIB = 1024 * 1024;
const RANGE = ["content-length-range", 1, MIB];
let world: Awaited<ReturnType<typeof startProjectServer>>;
let access: S3Access;
let s3: S3Client;

beforeAll(async () => {
  world = await startProjectServer("S3 forms");
  access = await createS3Access(world.developer, world.project);
  s3 = createS3Client(access);
});
afterAll(async () => {
  s3?.destroy();
  await world?.server.dispose();
});

async function read(Key: string): Promise<string> {
  return (await (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString()) ?? "";
}
async function keysBelow(Prefix: string): Promise<string[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix }));
  return Contents.map(({ Key = "" }) => Key);
}
const post = (request: PostFormRequest, file: string | Buffer = "content", fileName?: string) =>
  sendPostForm(signPostForm(access, request), file, fileName);
async function refusal(answer: Response): Promise<[number, string, string]> {
  const body = await answer.text();
  const part = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(body)?.[1] ?? "";
  return [answer.status, part("Code"), part("Message")];
}

test("a form stores the file under its key, with the type, metadata, tags and ACL that the policy allows", async () => {
  const fields = {
    key: `in/ü $${"{filename}"}`,
    acl: "public-read",
    "Content-Type": "text/plain; charset=utf-8",
    "x-amz-meta-from": "größe",
    tagging: "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>",
    success_action_status: "201",
    "x-ignore-me": "anything",
  };
  const answer = await post(
    {
      fields,
      conditions: [
        ["starts-with", "$key", "in/"],
        { acl: "public-read" },
        ["starts-with", "$Content-Type", "text/"],
        ["eq", "$x-amz-meta-from", "größe"],
        ["starts-with", "$tagging", ""],
        { success_action_status: "201" },
        RANGE,
      ],
    },
    "file content",
    "C:\\Users\\me\\photo.txt",
  );
  const body = await answer.text();
  const key = "in/ü photo.txt";
  const etag = `"${createHash("md5").update("file content").digest("hex")}"`;
  expect([answer.status, answer.headers.get("etag")]).toEqual([201, etag]);
  const location = `${access.endpoint}/${Bucket}/in/%C3%BC%20photo.txt`;
  expect(body).toBe(
    `<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse><Location>${location}</Location><Bucket>${Bucket}</Bucket><Key>${key}</Key><ETag>${etag.replaceAll('"', "&quot;")}</ETag></PostResponse>`,
  );
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key: key }));
  expect(head).toMatchObject({ ContentType: "text/plain; charset=utf-8", TagCount: 1 });
  // The SDK reads the bytes of headers as Latin-1.
  expect(Buffer.from(head.Metadata?.from ?? "", "latin1").toString()).toBe("größe");
  const url = `${world.server.url}/storage/${world.project.slug}/in/%C3%BC%20photo.txt`;
  expect(await (await fetch(url)).text()).toBe("file content");
});

test("a form is answered with nothing, with a status, or with a redirect to the place that the policy names", async () => {
  const plain = await post({ fields: { key: "answer" }, conditions: [{ key: "answer" }] });
  expect([plain.status, await plain.text()]).toEqual([204, ""]);
  const key = { key: "answer" };
  const withStatus = await post({
    fields: { ...key, success_action_status: "200" },
    conditions: [key, ["starts-with", "$success_action_status", ""]],
  });
  expect([withStatus.status, await withStatus.text()]).toEqual([200, ""]);
  const target = "https://app.example/done?from=form";
  const redirect = (success_action_redirect: string, condition: unknown) =>
    post({ fields: { ...key, success_action_redirect }, conditions: [key, condition] });
  const etag = encodeURIComponent(withStatus.headers.get("etag") ?? "");
  for (const condition of [
    { success_action_redirect: target },
    ["starts-with", "$success_action_redirect", "https://app.example/"],
  ]) {
    const moved = await redirect(target, condition);
    expect(moved.status).toBe(303);
    expect(moved.headers.get("location")).toBe(`${target}&bucket=default&key=answer&etag=${etag}`);
  }
  const elsewhere = await redirect("https://evil.example/", { success_action_redirect: target });
  expect((await refusal(elsewhere)).slice(0, 2)).toEqual([403, "AccessDenied"]);
  for (const open of ["", "https://", "https://app.example"]) {
    const answer = await redirect("https://app.example.evil.example/", [
      "starts-with",
      "$success_action_redirect",
      open,
    ]);
    expect(await refusal(answer)).toEqual([
      403,
      "AccessDenied",
      "Invalid according to Policy: The policy leaves open to which host success_action_redirect leads.",
    ]);
  }
});

test("a file is taken to the byte that the policy allows, streamed, and none of another size is stored", async () => {
  const sized = (key: string, min: number | string, max: number | string) => ({
    fields: { key },
    conditions: [{ key }, ["content-length-range", min, max]],
  });
  const large = randomBytes(8 * MIB);
  expect((await post(sized("size/large", 0, 8 * MIB), large)).status).toBe(204);
  const { ETag } = await s3.send(new HeadObjectCommand({ Bucket, Key: "size/large" }));
  expect(ETag).toBe(`"${createHash("md5").update(large).digest("hex")}"`);
  expect((await post(sized("size/exact", "3", "3"), "abc")).status).toBe(204);
  expect((await refusal(await post(sized("size/over", 1, 3), "abcd"))).slice(0, 2)).toEqual([400, "EntityTooLarge"]);
  expect((await refusal(await post(sized("size/under", 3, 9), "ab"))).slice(0, 2)).toEqual([400, "EntityTooSmall"]);
  expect((await refusal(await post(sized("size/far", 1, 3), large))).slice(0, 2)).toEqual([400, "EntityTooLarge"]);
  expect(await keysBelow("size/")).toEqual(["size/exact", "size/large"]);
});

describe("nothing is stored", () => {
  const key = "refused";
  const good = { fields: { key }, conditions: [{ key }, RANGE] };
  async function expectRefused(answer: Response, status: number, code: string, message?: string): Promise<void> {
    const found = await refusal(answer);
    expect(found.slice(0, 2)).toEqual([status, code]);
    if (message !== undefined) expect(found[2]).toContain(message);
    expect(await keysBelow("refused")).toEqual([]);
  }

  test("where a field is other than the policy says, or the policy does not speak of it", async () => {
    const cases: [string, PostFormRequest, string][] = [
      ["another key", { ...good, fields: { key: "refused/other" } }, "Policy Condition failed"],
      ["key of another folder", { fields: { key }, conditions: [["starts-with", "$key", "user/"]] }, "failed"],
      ["key not named", { fields: { key }, conditions: [] }, "Extra input fields: key"],
      ["extra field", { ...good, fields: { key, acl: "public-read" } }, "Extra input fields: acl"],
      ["extra metadata", { ...good, fields: { key, "X-Amz-Meta-A": "1" } }, "Extra input fields: x-amz-meta-a"],
      ["missing field", { ...good, conditions: [{ key }, { acl: "private" }] }, "Policy Condition failed"],
      ["case", { ...good, conditions: [["eq", "$key", "REFUSED"]] }, "Policy Condition failed"],
      ["expired", { ...good, expiresAt: new Date(Date.now() - 1000) }, "Policy expired"],
      ["signed too long ago", { ...good, signedAt: new Date(Date.now() - 8 * 86_400_000) }, "Policy expired"],
      ["signed in the future", { ...good, signedAt: new Date(Date.now() + 3_600_000) }, "Policy expired"],
    ];
    for (const [name, request, message] of cases) {
      const answer = await post(request);
      const [status, code, text] = await refusal(answer);
      expect([name, status, code]).toEqual([name, 403, "AccessDenied"]);
      expect(text).toContain(message);
    }
    expect(await keysBelow("refused")).toEqual([]);
  });

  test("where the policy is for another bucket, of another project, or of a key that only reads", async () => {
    const { fields } = signPostForm(access, { ...good, bucket: "other" });
    await expectRefused(await sendPostForm({ url: `${access.endpoint}/default`, fields }, "x"), 403, "AccessDenied");
    await expectRefused(await post({ ...good, bucket: "other" }), 404, "NoSuchBucket");
    const reader = await createS3Access(world.developer, world.project, "read-only");
    await expectRefused(await sendPostForm(signPostForm(reader, good), "x"), 403, "AccessDenied");
    const stranger = await world.developer.createProject("Forms of a stranger");
    const foreign = await createS3Access(world.developer, stranger);
    expect((await sendPostForm(signPostForm(foreign, good), "x")).status).toBe(204);
    expect(await keysBelow("refused")).toEqual([]);
  });

  test("where the signature, the policy or the form is not what it must be", async () => {
    const form = signPostForm(access, good);
    const changed = (fields: Record<string, string>) =>
      sendPostForm({ ...form, fields: { ...form.fields, ...fields } }, "x");
    const without = (name: string) => {
      const { [name]: _gone, ...fields } = form.fields;
      return sendPostForm({ ...form, fields }, "x");
    };
    const longer = Buffer.from(JSON.stringify({ expiration: "2099-01-01T00:00:00Z", conditions: [] })).toString(
      "base64",
    );
    await expectRefused(await changed({ policy: longer }), 403, "SignatureDoesNotMatch");
    await expectRefused(await changed({ "x-amz-signature": "0".repeat(64) }), 403, "SignatureDoesNotMatch");
    await expectRefused(await changed({ "x-amz-signature": "x" }), 400, "InvalidArgument");
    await expectRefused(await changed({ "x-amz-credential": "x" }), 400, "InvalidArgument");
    await expectRefused(await changed({ "x-amz-date": "20260101T000000Z" }), 400, "InvalidArgument");
    await expectRefused(await changed({ "x-amz-algorithm": "AWS4-HMAC-SHA1" }), 400, "InvalidArgument");
    for (const name of ["policy", "x-amz-signature"]) await expectRefused(await without(name), 403, "AccessDenied");
    await expectRefused(await without("key"), 400, "InvalidArgument");
    const other = form.fields["x-amz-credential"]?.replace(access.accessKeyId, "AEROAAAAAAAAAAAAAAAA") ?? "";
    await expectRefused(await changed({ "x-amz-credential": other }), 403, "InvalidAccessKeyId");
    for (const conditions of [
      [["contains", "$key", "a"]],
      [["eq", "key", "a"]],
      [{ key: 1 }],
      [["content-length-range", "a", 2]],
      ["x"],
    ]) {
      await expectRefused(await post({ ...good, conditions }), 400, "InvalidPolicyDocument");
    }
    await expectRefused(await changed({ filler: "x".repeat(21 * 1024) }), 400, "MaxPostPreDataLengthExceeded");
    await expectRefused(
      await post({ ...good, fields: { key: "../refused" }, conditions: [["starts-with", "$key", ""]] }),
      400,
      "InvalidArgument",
    );
    const md5 = { "content-md5": Buffer.alloc(16).toString("base64") };
    await expectRefused(await post({ fields: { key, ...md5 }, conditions: [{ key }, md5] }), 400, "BadDigest");
    const crc = { "x-amz-checksum-crc32": "AAAAAA==" };
    await expectRefused(await post({ fields: { key, ...crc }, conditions: [{ key }, crc] }), 400, "BadDigest");
  });

  test("where the form has no file, ends early, says a field twice, or puts fields behind the file", async () => {
    const { url, fields } = signPostForm(access, good);
    const part = (name: string, value: string) =>
      `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
    const all = Object.entries(fields)
      .map(([name, value]) => part(name, value))
      .join("");
    const file = '--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\ncontent\r\n';
    const headers = { "content-type": "multipart/form-data; boundary=b" };
    const cases: [string, string, string][] = [
      ["no file", `${all}--b--\r\n`, "InvalidArgument"],
      ["cut short", `${all}${file}`, "MalformedPOSTRequest"],
      ["twice", `${all}${part("Key", key)}${file}--b--\r\n`, "MalformedPOSTRequest"],
      ["policy behind the file", `${part("key", key)}${file}${all}--b--\r\n`, "AccessDenied"],
      ["nothing", "", "MalformedPOSTRequest"],
    ];
    for (const [name, body, code] of cases) {
      const answer = await send(url, { method: "POST", headers, body });
      expect([name, /<Code>(\w+)</.exec(answer.body)?.[1]]).toEqual([name, code]);
    }
    expect(await keysBelow("refused")).toEqual([]);
    const late = `${all}${file}${part("acl", "public-read")}--b--\r\n`;
    expect((await send(url, { method: "POST", headers, body: late })).status).toBe(204);
    expect((await fetch(`${world.server.url}/storage/${world.project.slug}/${key}`)).status).toBe(404);
  });
});

const python = await promisify(execFile)("python3", ["-c", "import botocore"]).then(
  () => true,
  () => false,
);
test.skipIf(!python)("forms that botocore signs are taken", { timeout: 60_000 }, async () => {
  const script = `
import json, botocore.session
client = botocore.session.get_session().create_client("s3", endpoint_url="${access.endpoint}", region_name="${access.region}",
  config=__import__("botocore.config").config.Config(signature_version="s3v4", s3={"addressing_style": "path"}))
print(json.dumps(client.generate_presigned_post("default", "boto/" + "$" + "{filename}", Fields={"acl": "private"},
  Conditions=[{"acl": "private"}, ["content-length-range", 1, 100]], ExpiresIn=60)))`;
  const { stdout } = await promisify(execFile)("python3", ["-c", script], {
    env: {
      PATH: process.env.PATH ?? "",
      AWS_ACCESS_KEY_ID: access.accessKeyId,
      AWS_SECRET_ACCESS_KEY: access.secretAccessKey,
    },
  });
  const form = JSON.parse(stdout) as { url: string; fields: Record<string, string> };
  expect((await sendPostForm(form, "from python", "a.txt")).status).toBe(204);
  expect(await read("boto/a.txt")).toBe("from python");
  expect((await sendPostForm(form, "x".repeat(101), "b.txt")).status).toBe(400);
  expect(await keysBelow("boto/")).toEqual(["boto/a.txt"]);
});
