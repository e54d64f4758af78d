import type { ObjectInfo } from "@aerostack/datahost";
import { CHECKSUM_ALGORITHMS } from "./payload/checksums.ts";
import type { XmlElements } from "./xml/write-xml.ts";

interface ShownChecksum {
  readonly algorithm: string;
  /** Base64; of an object that was put together of parts with their number behind it. */
  readonly value: string;
  readonly type: "FULL_OBJECT" | "COMPOSITE";
}

function shownChecksums({ checksums, composite, etag }: ObjectInfo): ShownChecksum[] {
  const shown: ShownChecksum[] = CHECKSUM_ALGORITHMS.flatMap((algorithm) => {
    const hex = checksums[algorithm];
    return hex === undefined ? [] : [{ algorithm, value: base64Of(hex), type: "FULL_OBJECT" as const }];
  });
  if (composite !== undefined) {
    const parts = /-\d+$/.exec(etag)?.[0] ?? "";
    const value = `${base64Of(composite.hex)}${parts}`;
    shown.push({ algorithm: composite.algorithm, value, type: "COMPOSITE" });
  }
  return shown;
}

/** The checksums that are kept with an object, by their name in S3's headers. */
export function checksumHeaders(object: ObjectInfo): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { algorithm, value, type } of shownChecksums(object)) {
    headers[`x-amz-checksum-${algorithm}`] = value;
    headers["x-amz-checksum-type"] = type;
  }
  return headers;
}

/** The same as elements of a document. */
export function checksumElements(object: ObjectInfo): XmlElements {
  const elements: Record<string, string> = {};
  for (const { algorithm, value, type } of shownChecksums(object)) {
    elements[checksumElement(algorithm)] = value;
    elements.ChecksumType = type;
  }
  return elements;
}

/** An algorithm's element in documents, such as `ChecksumCRC32`. */
export function checksumElement(algorithm: string): string {
  return `Checksum${algorithm.toUpperCase()}`;
}

export function base64Of(hex: string): string {
  return Buffer.from(hex, "hex").toString("base64");
}
