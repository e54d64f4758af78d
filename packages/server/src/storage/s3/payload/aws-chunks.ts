import { createHash } from "node:crypto";
import { EMPTY_SHA256, sha256Hex, sign } from "@aerostack/kernel";
import { S3Error } from "../s3-error.ts";

/** How the chunks of a body are signed: each over the one before it, the first over the request. */
export interface ChunkSigning {
  readonly key: Buffer;
  readonly timestamp: string;
  readonly scope: string;
  readonly signature: string;
}

export interface AwsChunksOptions {
  /** Undefined for chunks without signatures. */
  readonly signing: ChunkSigning | undefined;
  /** Fields after the last chunk are expected. */
  readonly hasTrailer: boolean;
  /** Called with those fields, in lower case, once the whole body is known to be as it was signed. */
  readonly onTrailer: (fields: ReadonlyMap<string, string>) => void;
}

const MAX_LINE_BYTES = 1024;
const MAX_TRAILER_BYTES = 8 * 1024;
/** What AWS allows is not told; a chunk is never held as a whole here. */
const MAX_CHUNK_BYTES = 5 * 1024 ** 3;
const CHUNK_LINE = /^([0-9a-fA-F]{1,16})(?:;chunk-signature=([0-9a-f]{64}))?$/;
const LINE_FEED = 0x0a;

/**
 * The content of a body in AWS's own chunks (`aws-chunked`). It ends normally only where every signature was right, so
 * that whoever stores it commits nothing else.
 *
 * @throws S3Error IncompleteBody, InvalidRequest, SignatureDoesNotMatch
 */
export async function* readAwsChunks(
  body: AsyncIterable<Uint8Array>,
  { signing, hasTrailer, onTrailer }: AwsChunksOptions,
): AsyncGenerator<Buffer> {
  const source = createByteSource(body);
  let previous = signing?.signature ?? "";

  function checkChunk(sent: string | undefined, digest: string): void {
    if (signing === undefined) return;
    const text = ["AWS4-HMAC-SHA256-PAYLOAD", signing.timestamp, signing.scope, previous, EMPTY_SHA256, digest];
    previous = sign(signing.key, text.join("\n"));
    if (sent !== previous) throw new S3Error("SignatureDoesNotMatch");
  }

  for (;;) {
    const line = await source.line(MAX_LINE_BYTES);
    const [, hex, sent] = CHUNK_LINE.exec(line) ?? [];
    if (hex === undefined || (signing !== undefined && sent === undefined)) throw malformed();
    const size = Number.parseInt(hex, 16);
    if (size > MAX_CHUNK_BYTES) throw malformed();
    if (size === 0) {
      checkChunk(sent, EMPTY_SHA256);
      break;
    }
    const hash = signing === undefined ? undefined : createHash("sha256");
    for await (const piece of source.take(size)) {
      hash?.update(piece);
      yield piece;
    }
    if ((await source.line(MAX_LINE_BYTES)) !== "") throw malformed();
    checkChunk(sent, hash?.digest("hex") ?? "");
  }

  const fields = new Map<string, string>();
  for (let bytes = 0; ; ) {
    const line = await source.line(MAX_LINE_BYTES, true);
    if (line === "") break;
    bytes += line.length;
    const colon = line.indexOf(":");
    if (!hasTrailer || colon < 1 || bytes > MAX_TRAILER_BYTES) throw malformed();
    fields.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  if (hasTrailer && signing !== undefined) {
    const sent = fields.get("x-amz-trailer-signature");
    fields.delete("x-amz-trailer-signature");
    const canonical = [...fields].map(([name, value]) => `${name}:${value}\n`).join("");
    const text = ["AWS4-HMAC-SHA256-TRAILER", signing.timestamp, signing.scope, previous, sha256Hex(canonical)];
    if (sent !== sign(signing.key, text.join("\n"))) throw new S3Error("SignatureDoesNotMatch");
  }
  await source.requireEnd();
  onTrailer(fields);
}

function malformed(): S3Error {
  return new S3Error("InvalidRequest", { message: "The body's chunks are malformed." });
}

/** Reads a body by lines and by numbers of bytes. */
function createByteSource(body: AsyncIterable<Uint8Array>) {
  const chunks = body[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);

  /** False at the end. */
  async function more(): Promise<boolean> {
    const { value, done } = await chunks.next();
    if (done === true) return false;
    const next = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    held = held.length === 0 ? next : Buffer.concat([held, next]);
    return true;
  }

  return {
    /** A line without its end; with `orEnd`, an empty one at the end of the body. */
    async line(maxBytes: number, orEnd = false): Promise<string> {
      for (;;) {
        const end = held.indexOf(LINE_FEED);
        if (end > maxBytes || (end === -1 && held.length > maxBytes)) throw malformed();
        if (end !== -1) {
          const line = held.subarray(0, end).toString("latin1");
          held = held.subarray(end + 1);
          return line.endsWith("\r") ? line.slice(0, -1) : line;
        }
        if (await more()) continue;
        if (orEnd && held.length === 0) return "";
        throw new S3Error("IncompleteBody");
      }
    },
    /** Exactly so many bytes, as they come. */
    async *take(bytes: number): AsyncGenerator<Buffer> {
      for (let left = bytes; left > 0; ) {
        if (held.length === 0 && !(await more())) throw new S3Error("IncompleteBody");
        const piece = held.subarray(0, left);
        held = held.subarray(piece.length);
        left -= piece.length;
        if (piece.length > 0) yield piece;
      }
    },
    async requireEnd(): Promise<void> {
      for (;;) {
        if (held.length > 0) throw malformed();
        if (!(await more())) return;
      }
    },
  };
}
