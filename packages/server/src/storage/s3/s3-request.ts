import type { IncomingMessage, ServerResponse } from "node:http";
import type { S3Caller } from "../access-keys/service.ts";
import { checkObjectKey, MAX_KEY_BYTES } from "../object-key.ts";
import type { BucketName } from "../reading/object-reader.ts";
import type { StorageService } from "../service.ts";
import { type PayloadOptions, readWhole, type S3Payload } from "./payload/read-payload.ts";
import type { S3Query } from "./s3-address.ts";
import { S3Error } from "./s3-error.ts";
import { type XmlElements, xmlDocument } from "./xml/write-xml.ts";

/** What clients are told; they may sign for any. With this one the AWS CLI signs URLs as S3 has done since 2014. */
export const S3_REGION = "auto";

/** A request whose signature was checked. */
export interface S3Request {
  readonly storage: StorageService;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly query: S3Query;
  readonly caller: S3Caller;
  readonly requestId: string;
  /** The body; to be asked for once. */
  readonly payload: (options?: PayloadOptions) => S3Payload;
}

/** A request about a bucket that exists, or its objects. */
export interface S3BucketRequest extends S3Request {
  readonly name: BucketName;
}

export interface S3ObjectRequest extends S3BucketRequest {
  readonly key: string;
}

/** Who owns buckets and objects: the project. */
export function ownerOf({ projectId }: Pick<S3Caller, "projectId">): XmlElements {
  return { ID: projectId, DisplayName: projectId };
}

export function answerXml(
  { res }: Pick<S3Request, "res">,
  name: string,
  content: XmlElements,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = xmlDocument(name, content);
  res.writeHead(200, { ...headers, "content-type": "application/xml", "content-length": Buffer.byteLength(body) });
  res.end(body);
}

export function answerEmpty(
  { res }: Pick<S3Request, "res">,
  status: 200 | 204,
  headers: Readonly<Record<string, string>> = {},
): void {
  res.writeHead(status, { ...headers, ...(status === 200 ? { "content-length": 0 } : {}) });
  res.end();
}

/** @throws S3Error */
export function checkS3Key(key: string): string {
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) {
    throw new S3Error("KeyTooLongError", {
      fields: { Size: String(Buffer.byteLength(key)), MaxSizeAllowed: String(MAX_KEY_BYTES) },
    });
  }
  return checkObjectKey(key);
}

/** Text of a small XML body. */
export async function readXmlBody(request: S3Request, maxBytes: number, options?: PayloadOptions): Promise<string> {
  return (await readWhole(request.payload(options), maxBytes)).toString("utf8");
}

/** A whole number of the query. @throws S3Error InvalidArgument */
export function integerOf(query: S3Query, name: string, bounds: { min: number; max: number }): number | undefined {
  const text = query.get(name);
  if (text === undefined || text === "") return undefined;
  const value = Number(text);
  if (!/^\d{1,10}$/.test(text) || value < bounds.min || value > bounds.max) {
    throw new S3Error("InvalidArgument", {
      message: `Provided ${name} not an integer or within integer range`,
      fields: { ArgumentName: name, ArgumentValue: text },
    });
  }
  return value;
}

/** A time as S3 writes it in XML. */
export function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
