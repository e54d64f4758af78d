import type { IncomingHttpHeaders } from "node:http";
import type { ObjectTags } from "@aerostack/datahost";
import { S3Error } from "./s3-error.ts";
import { childrenOf, malformed, parseXmlOf, textOf } from "./xml/parse-xml.ts";
import type { XmlElements } from "./xml/write-xml.ts";

// Limits and characters: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
export const MAX_OBJECT_TAGS = 10;
/** UTF-16 code units, as S3 counts them. */
export const MAX_TAG_KEY_LENGTH = 128;
export const MAX_TAG_VALUE_LENGTH = 256;
const TAG_TEXT = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;
/** Names that S3 keeps to itself. */
const RESERVED_PREFIX = /^aws:/i;
const HEADER = "x-amz-tagging";

/** The tags that an upload's header names; undefined where there is no such header. @throws S3Error */
export function tagsOfHeader(headers: IncomingHttpHeaders): ObjectTags | undefined {
  const header = headers[HEADER];
  if (header === undefined) return undefined;
  const pairs = String(header)
    .split("&")
    .filter((part) => part !== "")
    .map((part) => {
      const equals = part.indexOf("=");
      return [
        decode(equals === -1 ? part : part.slice(0, equals)),
        equals === -1 ? "" : decode(part.slice(equals + 1)),
      ];
    }) as [string, string][];
  if (new Set(pairs.map(([key]) => key)).size !== pairs.length) throw malformedHeader();
  return checkTags(pairs);
}

/** The tags of a `Tagging` document. @throws S3Error */
export function tagsOfXml(xml: string): ObjectTags {
  const sets = childrenOf(parseXmlOf("Tagging", xml), "TagSet");
  const [set] = sets;
  if (set === undefined || sets.length > 1 || set.children.some(({ name }) => name !== "Tag")) throw malformed();
  const pairs = set.children.map((tag): [string, string] => {
    const key = textOf(tag, "Key");
    const value = textOf(tag, "Value");
    if (key === undefined || value === undefined) throw malformed();
    return [key, value];
  });
  if (new Set(pairs.map(([key]) => key)).size !== pairs.length) {
    throw new S3Error("InvalidTag", { message: "Cannot provide multiple Tags with the same key" });
  }
  return checkTags(pairs);
}

export function tagsAsXml(tags: ObjectTags): XmlElements {
  return { TagSet: { Tag: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) } };
}

/** How many tags an object has, in an answer that has its bytes; nothing where it has none. */
export function tagCountHeader(tags: ObjectTags): Record<string, string> {
  const count = Object.keys(tags).length;
  return count === 0 ? {} : { "x-amz-tagging-count": String(count) };
}

/** @throws S3Error BadRequest, InvalidTag */
function checkTags(pairs: readonly (readonly [string, string])[]): ObjectTags {
  if (pairs.length > MAX_OBJECT_TAGS) {
    throw new S3Error("BadRequest", { message: `Object tags cannot be greater than ${MAX_OBJECT_TAGS}` });
  }
  for (const [key, value] of pairs) {
    if (RESERVED_PREFIX.test(key)) {
      throw new S3Error("InvalidTag", { message: "System tags cannot be added/updated by requester" });
    }
    if (key === "" || key.length > MAX_TAG_KEY_LENGTH || !TAG_TEXT.test(key)) {
      throw new S3Error("InvalidTag", { message: "The TagKey you have provided is invalid", fields: { TagKey: key } });
    }
    if (value.length > MAX_TAG_VALUE_LENGTH || !TAG_TEXT.test(value)) {
      const fields = { TagKey: key, TagValue: value };
      throw new S3Error("InvalidTag", { message: "The TagValue you have provided is invalid", fields });
    }
  }
  return Object.fromEntries(pairs);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw malformedHeader();
  }
}

function malformedHeader(): S3Error {
  return new S3Error("InvalidArgument", {
    message:
      "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
    fields: { ArgumentName: HEADER },
  });
}
