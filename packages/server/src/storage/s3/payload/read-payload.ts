import { createHash } from "node:crypto";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { ObjectHash } from "@aerostack/datahost";
import { bodyOf } from "../../sized-body.ts";
import { UNSIGNED_PAYLOAD, type VerifiedRequest } from "../auth/verify-request.ts";
import { S3Error } from "../s3-error.ts";
import { readAwsChunks } from "./aws-chunks.ts";
import { CHECKSUM_ALGORITHMS, CHECKSUM_BYTES, type ChecksumAlgorithm, createChecksum } from "./checksums.ts";

/** A request's content, which ends normally only where it is what the request says of it. */
export interface S3Payload {
  readonly content: AsyncIterable<Uint8Array>;
  /** Bytes of the content, where that is known. */
  readonly size: number | undefined;
  /** Hex, of the whole content; the data host checks it. */
  readonly md5: string | undefined;
  /** Hex; to be asked for after the last byte. */
  readonly attested: () => Partial<Record<ObjectHash, string>>;
  /** The checksum that was checked, base64 as S3 shows it; to be asked for after the last byte. */
  readonly shownChecksums: () => Record<string, string>;
}

const SHA256_HEX = /^[0-9a-f]{64}$/;
const CHUNKED: Readonly<Record<string, { readonly isSigned: boolean; readonly hasTrailer: boolean }>> = {
  "STREAMING-AWS4-HMAC-SHA256-PAYLOAD": { isSigned: true, hasTrailer: false },
  "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER": { isSigned: true, hasTrailer: true },
  "STREAMING-UNSIGNED-PAYLOAD-TRAILER": { isSigned: false, hasTrailer: true },
};

export interface PayloadOptions {
  /** A checksum that is to be known of the content, whether or not the client sends one; no other is taken then. */
  readonly wanted?: ChecksumAlgorithm | undefined;
  /** False where the checksums that headers name are of something else than the body. */
  readonly isChecksumOfBody?: boolean;
}

/** @throws S3Error where what the headers say of the body cannot be */
export function readPayload(
  req: IncomingMessage,
  { payloadHash, signing }: VerifiedRequest,
  { wanted, isChecksumOfBody = true }: PayloadOptions = {},
): S3Payload {
  const chunked = CHUNKED[payloadHash];
  if (chunked === undefined && payloadHash !== UNSIGNED_PAYLOAD && !SHA256_HEX.test(payloadHash)) {
    const isStreaming = payloadHash.startsWith("STREAMING-");
    throw new S3Error(isStreaming ? "NotImplemented" : "InvalidArgument", {
      message: "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a streaming kind, or a SHA-256 in hex.",
    });
  }
  const size = sizeOf(req, chunked !== undefined);
  let trailer: ReadonlyMap<string, string> = new Map();

  const body = bodyOf(req);
  const source =
    chunked === undefined
      ? checkedBody(body, payloadHash)
      : readAwsChunks(body, {
          signing: chunked.isSigned ? signing : undefined,
          hasTrailer: chunked.hasTrailer,
          onTrailer: (fields) => {
            trailer = fields;
          },
        });
  const headers = isChecksumOfBody ? req.headers : pickMd5(req.headers);
  return { ...checkContent(source, headers, { trailer: () => trailer, wanted }), size };
}

/**
 * Content with the checksums that headers, or a trailer after its last byte, say of it: it ends normally only where they
 * are right.
 */
export function checkContent(
  source: AsyncIterable<Uint8Array>,
  headers: IncomingHttpHeaders,
  {
    trailer = () => new Map(),
    wanted,
  }: {
    readonly trailer?: () => ReadonlyMap<string, string>;
    readonly wanted?: ChecksumAlgorithm | undefined;
  } = {},
): Omit<S3Payload, "size"> {
  const expected = checksumOf(headers);
  if (wanted !== undefined && expected !== undefined && expected.algorithm !== wanted) {
    throw new S3Error("InvalidRequest", {
      message: `Checksum Type mismatch occurred, expected checksum Type: ${wanted}, actual checksum Type: ${expected.algorithm}`,
    });
  }
  const algorithm = expected?.algorithm ?? wanted;
  const running = algorithm === undefined ? undefined : createChecksum(algorithm);
  let digest: Buffer | undefined;

  async function* content(): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      running?.update(chunk);
      yield chunk;
    }
    digest = running?.digest();
    if (expected !== undefined && digest !== undefined) checkChecksum(expected, digest, trailer());
  }

  return {
    content: content(),
    md5: md5Of(headers),
    attested: () => (algorithm === undefined || digest === undefined ? {} : { [algorithm]: digest.toString("hex") }),
    shownChecksums: () =>
      algorithm === undefined || digest === undefined
        ? {}
        : { [`x-amz-checksum-${algorithm}`]: digest.toString("base64") },
  };
}

/** The whole of a small body. @throws S3Error EntityTooLarge */
export async function readWhole({ content, md5 }: S3Payload, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new S3Error("EntityTooLarge");
    chunks.push(chunk);
  }
  const whole = Buffer.concat(chunks);
  if (md5 !== undefined && createHash("md5").update(whole).digest("hex") !== md5) throw new S3Error("BadDigest");
  return whole;
}

async function* checkedBody(body: AsyncIterable<Uint8Array>, payloadHash: string): AsyncGenerator<Uint8Array> {
  if (payloadHash === UNSIGNED_PAYLOAD) {
    yield* body;
    return;
  }
  const hash = createHash("sha256");
  for await (const chunk of body) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest("hex") !== payloadHash) throw new S3Error("XAmzContentSHA256Mismatch");
}

function sizeOf({ headers }: IncomingMessage, isChunked: boolean): number | undefined {
  const text = isChunked ? headers["x-amz-decoded-content-length"] : headers["content-length"];
  if (text === undefined) {
    if (isChunked) throw new S3Error("MissingContentLength");
    return headers["transfer-encoding"] === undefined ? 0 : undefined;
  }
  if (typeof text !== "string" || !/^\d{1,15}$/.test(text)) throw new S3Error("InvalidArgument");
  return Number(text);
}

function pickMd5({ "content-md5": md5 }: IncomingHttpHeaders): IncomingHttpHeaders {
  return md5 === undefined ? {} : { "content-md5": md5 };
}

function md5Of(headers: IncomingHttpHeaders): string | undefined {
  const header = headers["content-md5"];
  if (header === undefined) return undefined;
  const bytes = Buffer.from(String(header), "base64");
  if (bytes.length !== 16) throw new S3Error("InvalidDigest");
  return bytes.toString("hex");
}

interface ExpectedChecksum {
  readonly algorithm: ChecksumAlgorithm;
  /** Undefined where it comes after the content. */
  readonly value: string | undefined;
}

function checksumOf(headers: IncomingHttpHeaders): ExpectedChecksum | undefined {
  const sent = CHECKSUM_ALGORITHMS.filter((one) => headers[`x-amz-checksum-${one}`] !== undefined);
  const announced = String(headers["x-amz-trailer"] ?? "").toLowerCase();
  const later = CHECKSUM_ALGORITHMS.find((one) => announced.split(/\s*,\s*/).includes(`x-amz-checksum-${one}`));
  if (sent.length + (later === undefined ? 0 : 1) > 1) {
    throw new S3Error("InvalidRequest", { message: "Expecting a single x-amz-checksum- header" });
  }
  const [algorithm] = sent;
  if (algorithm !== undefined) return { algorithm, value: String(headers[`x-amz-checksum-${algorithm}`]) };
  return later === undefined ? undefined : { algorithm: later, value: undefined };
}

function checkChecksum(
  { algorithm, value }: ExpectedChecksum,
  digest: Buffer,
  trailer: ReadonlyMap<string, string>,
): void {
  const sent = value ?? trailer.get(`x-amz-checksum-${algorithm}`);
  const given = Buffer.from(sent ?? "", "base64");
  if (given.length !== CHECKSUM_BYTES[algorithm]) {
    throw new S3Error("InvalidRequest", { message: `Value for x-amz-checksum-${algorithm} header is invalid.` });
  }
  if (!digest.equals(given)) {
    throw new S3Error("BadDigest", {
      message: `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum.`,
    });
  }
}
