import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { MAX_OBJECT_BYTES, type ObjectInfo } from "@aerostack/datahost";
import { uriEncodePath } from "@aerostack/kernel";
import { limitBytes } from "../../limit-bytes.ts";
import type { BucketName } from "../../reading/object-reader.ts";
import type { StorageService } from "../../service.ts";
import { attributesOf } from "../object-headers.ts";
import { tagsOfXml } from "../object-tags.ts";
import { checkContent } from "../payload/read-payload.ts";
import { S3Error } from "../s3-error.ts";
import { checkS3Key } from "../s3-request.ts";
import { xmlDocument } from "../xml/write-xml.ts";
import { checkPostFields, type PostPolicy, parsePostPolicy } from "./post-policy.ts";
import type { PostForm } from "./read-post-form.ts";

const FILE_NAME = /\$\{filename\}/g;

/** PostObject: a browser's form, with a policy that a key's owner signed. @param now ms */
export async function postObject(
  storage: StorageService,
  name: BucketName,
  { fields, fileName, content }: PostForm,
  now: number,
): Promise<ObjectInfo> {
  const policy = parsePostPolicy(fields.get("policy") ?? "", now, MAX_OBJECT_BYTES);
  const keyField = fields.get("key");
  if (keyField === undefined || keyField === "") {
    throw new S3Error("InvalidArgument", {
      message:
        "Bucket POST must contain a field named 'key'. If it is specified, please check the order of the fields.",
      fields: { ArgumentName: "key", ArgumentValue: "" },
    });
  }
  const key = keyField.replace(FILE_NAME, () => baseName(fileName));
  checkPostFields(policy, new Map([...fields, ["key", key], ["bucket", name.bucket]]));
  const headers = headersOf(fields);
  const tagging = fields.get("tagging");
  const attributes = { ...attributesOf(headers), ...(tagging === undefined ? {} : { tags: tagsOfXml(tagging) }) };
  const checked = checkContent(withinRange(content, policy), headers);
  const { md5, attested } = checked;
  return await storage.put(name, checkS3Key(key), checked.content, {
    attributes,
    attested,
    ...(md5 === undefined ? {} : { checksums: { md5 } }),
  });
}

/** What the form says of the file, as an upload's headers would say it. */
function headersOf(fields: ReadonlyMap<string, string>): IncomingHttpHeaders {
  const headers = Object.fromEntries(
    // A header's text is Latin-1 in Node; what is sent in one is UTF-8.
    [...fields].map(([name, value]) => [name, Buffer.from(value, "utf8").toString("latin1")]),
  );
  const { acl, tagging: _xml, ...others } = headers;
  return { ...others, ...(acl === undefined ? {} : { "x-amz-acl": acl }) };
}

async function* withinRange(content: AsyncIterable<Uint8Array>, { minBytes, maxBytes }: PostPolicy) {
  let bytes = 0;
  for await (const chunk of limitBytes(content, maxBytes, () => tooLarge(maxBytes))) {
    bytes += chunk.length;
    yield chunk;
  }
  if (bytes < minBytes) {
    const fields = { ProposedSize: String(bytes), MinSizeAllowed: String(minBytes) };
    throw new S3Error("EntityTooSmall", { fields });
  }
}

function tooLarge(maxBytes: number): S3Error {
  return new S3Error("EntityTooLarge", { fields: { MaxSizeAllowed: String(maxBytes) } });
}

/** Some browsers send the path on their machine. */
function baseName(fileName: string): string {
  return fileName.slice(Math.max(fileName.lastIndexOf("/"), fileName.lastIndexOf("\\")) + 1);
}

/** Answers as the form asks, which its policy allowed: with a redirect, or with a status. */
export function answerPost(
  req: IncomingMessage,
  res: ServerResponse,
  {
    fields,
    bucket,
    key,
    etag,
  }: {
    readonly fields: ReadonlyMap<string, string>;
    readonly bucket: string;
    readonly key: string;
    readonly etag: string;
  },
): void {
  const bucketPath = (req.url ?? "/").split("?")[0]?.replace(/\/$/, "") ?? "";
  const location = `http://${req.headers.host ?? ""}${bucketPath}/${uriEncodePath(key)}`;
  const quoted = `"${etag}"`;
  const common = { etag: quoted, location };
  const redirect = redirectOf(fields);
  if (redirect !== undefined) {
    for (const [name, value] of Object.entries({ bucket, key, etag: quoted })) redirect.searchParams.set(name, value);
    res.writeHead(303, { ...common, location: redirect.href, "content-length": 0 });
    res.end();
    return;
  }
  const status = fields.get("success_action_status");
  if (status === "201") {
    const body = xmlDocument("PostResponse", { Location: location, Bucket: bucket, Key: key, ETag: quoted }, "");
    res.writeHead(201, { ...common, "content-type": "application/xml", "content-length": Buffer.byteLength(body) });
    res.end(body);
    return;
  }
  res.writeHead(status === "200" ? 200 : 204, status === "200" ? { ...common, "content-length": 0 } : common);
  res.end();
}

/** A text that is no address of the web is as if it was left out. */
function redirectOf(fields: ReadonlyMap<string, string>): URL | undefined {
  const text = fields.get("success_action_redirect") ?? fields.get("redirect");
  if (text === undefined || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.protocol === "https:" || url.protocol === "http:" ? url : undefined;
}
