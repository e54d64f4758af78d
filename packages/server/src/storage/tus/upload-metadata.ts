import { AerostackError } from "@aerostack/contracts";
import type { ObjectAttributes, UploadInfo } from "@aerostack/datahost";
import { checkObjectKey } from "../object-key.ts";
import { plainAttributes } from "../service.ts";

/** What an upload becomes. */
export interface UploadTarget {
  readonly key: string;
  readonly attributes: ObjectAttributes;
}

const MAX_PAIRS = 50;
const PAIR = /^([^\s,]{1,256})(?: ([A-Za-z0-9+/=_-]*))?$/;
const KEY_NAMES = ["key", "objectName", "filename", "name"];
const TYPE_NAMES = ["contentType", "filetype", "type"];

/** Reads an Upload-Metadata header: names with base64 values. @throws VALIDATION_ERROR */
export function parseUploadMetadata(header: string | undefined): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  for (const part of (header ?? "").split(",").map((one) => one.trim())) {
    if (part === "") continue;
    const [, name, value = ""] = PAIR.exec(part) ?? [];
    if (name === undefined || pairs.has(name) || pairs.size >= MAX_PAIRS) {
      throw new AerostackError("VALIDATION_ERROR", { message: "The header Upload-Metadata is malformed." });
    }
    pairs.set(name, Buffer.from(value, "base64").toString("utf8"));
  }
  return pairs;
}

/** What the metadata says; names that mean nothing here become the object's own metadata. */
export function targetOf(metadata: ReadonlyMap<string, string>): UploadTarget {
  const key = first(metadata, KEY_NAMES);
  if (key === undefined) {
    throw new AerostackError("VALIDATION_ERROR", {
      message: "The header Upload-Metadata names no 'key'.",
      fix: "Send the object's key as metadata 'key' or 'filename'.",
    });
  }
  const attributes = plainAttributes(first(metadata, TYPE_NAMES), metadata.get("public") === "true");
  const known = new Set([...KEY_NAMES.slice(0, 2), ...TYPE_NAMES, "public"]);
  const custom = [...metadata].filter(([name]) => !known.has(name));
  return { key: checkObjectKey(key), attributes: { ...attributes, customMetadata: Object.fromEntries(custom) } };
}

/** The metadata of an upload as its client sent it, as far as it is kept. */
export function showUploadMetadata({ key, attributes }: UploadInfo): string {
  const pairs: Record<string, string> = { ...attributes.customMetadata, key, public: String(attributes.isPublic) };
  if (attributes.httpMetadata.contentType !== undefined) pairs.contentType = attributes.httpMetadata.contentType;
  return Object.entries(pairs)
    .map(([name, value]) => `${name} ${Buffer.from(value).toString("base64")}`)
    .join(",");
}

function first(metadata: ReadonlyMap<string, string>, names: readonly string[]): string | undefined {
  return names.map((name) => metadata.get(name)).find((value) => value !== undefined && value !== "");
}
