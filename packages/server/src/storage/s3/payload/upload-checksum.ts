import type { IncomingHttpHeaders } from "node:http";
import { setImmediate } from "node:timers/promises";
import type { CompositeChecksum, ObjectInfo, UploadChecksum } from "@aerostack/datahost";
import { S3Error } from "../s3-error.ts";
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm, createChecksum } from "./checksums.ts";
import { type CrcPart, createCrcCombiner, isCombinable } from "./combine-crc.ts";

/** Parts of a checksum that are put together before others get their turn. */
const PARTS_AT_ONCE = 200;
const TYPES = ["COMPOSITE", "FULL_OBJECT"] as const;

/** What an upload in parts is to be checked with, as its first request says; null where it says nothing. @throws S3Error */
export function uploadChecksumOf(headers: IncomingHttpHeaders): UploadChecksum | null {
  const name = headers["x-amz-checksum-algorithm"];
  const type = headers["x-amz-checksum-type"];
  if (name === undefined) {
    if (type === undefined) return null;
    throw new S3Error("InvalidRequest", {
      message: "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
    });
  }
  const algorithm = CHECKSUM_ALGORITHMS.find((one) => one === String(name).toLowerCase());
  if (algorithm === undefined) {
    throw new S3Error("InvalidRequest", { message: "Checksum algorithm provided is unsupported." });
  }
  const usual = algorithm === "crc64nvme" ? "FULL_OBJECT" : "COMPOSITE";
  const wanted = type === undefined ? usual : TYPES.find((one) => one === String(type).toUpperCase());
  const isPossible = wanted === "FULL_OBJECT" ? isCombinable(algorithm) : algorithm !== "crc64nvme";
  if (wanted === undefined || !isPossible) {
    throw new S3Error("InvalidRequest", {
      message: `The ${String(type)} checksum type cannot be used with the ${algorithm} checksum algorithm.`,
    });
  }
  return { algorithm, type: wanted };
}

/** The same as elements and headers of answers name it. */
export function shownAlgorithm(algorithm: string): string {
  return algorithm.toUpperCase();
}

/** An algorithm of S3's: those are the only ones that uploads are made with. */
export function asS3Algorithm({ algorithm }: Pick<UploadChecksum, "algorithm">): ChecksumAlgorithm {
  return algorithm as ChecksumAlgorithm;
}

export type WholeChecksum = Pick<ObjectInfo, "checksums"> & { readonly composite?: CompositeChecksum };

/** The checksum of an object, from those of its parts. */
export async function wholeChecksum(
  { algorithm: any, type }: UploadChecksum,
  parts: readonly CrcPart[],
): Promise<WholeChecksum> {
  const algorithm = asS3Algorithm({ algorithm: any });
  if (type === "COMPOSITE") {
    const digest = createChecksum(algorithm);
    for (const { checksum } of parts) digest.update(Buffer.from(checksum, "hex"));
    return { checksums: {}, composite: { algorithm, hex: digest.digest().toString("hex") } };
  }
  const combine = createCrcCombiner(algorithm);
  let whole: CrcPart = { checksum: combine([]), size: 0 };
  for (let at = 0; at < parts.length; at += PARTS_AT_ONCE) {
    const some = [whole, ...parts.slice(at, at + PARTS_AT_ONCE)];
    whole = { checksum: combine(some), size: 0 };
    await setImmediate();
  }
  return { checksums: { [algorithm]: whole.checksum } };
}
