import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { KEY_BYTES } from "./derive-key.ts";

/**
 * Streamed encryption of a file: AES-256-GCM over chunks of 64 KiB after the STREAM construction (Hoang, Reyhanitabar,
 * Rogaway, Vizár 2015). Each file has its own key, derived from a random salt in its header, so a nonce can be the
 * chunk's number and a flag that marks the last chunk. A chunk that is changed, moved, dropped or added fails to open;
 * a chunk can be opened without those before it, which is what ranges need.
 *
 * Layout: header (32 bytes: "AEB", version, log2 of the chunk size, 3 zero bytes, 24 bytes of salt), then the chunks,
 * each followed by its 16-byte tag. All chunks but the last are full; an empty file has one empty chunk.
 */
const MAGIC = Buffer.from("AEB");
const VERSION = 1;
const CHUNK_SIZE_LOG2 = 16;
const SALT_BYTES = 24;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
export const CHUNK_BYTES = 2 ** CHUNK_SIZE_LOG2;
export const HEADER_BYTES = 32;
export const SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES;
const MAX_CHUNKS = 2 ** 32;
/** Fetched at once: a trip to the disk costs more than the bytes it brings. */
const CHUNKS_PER_READ = 8;

/** The bytes are not what was sealed: changed, cut, reordered, or under another key. */
export class SealBrokenError extends Error {
  constructor(reason: string, cause?: unknown) {
    super(`sealed bytes do not open: ${reason}`, { cause });
    this.name = "SealBrokenError";
  }
}

function fileKey(key: Uint8Array, header: Buffer): Buffer {
  const salt = header.subarray(HEADER_BYTES - SALT_BYTES);
  return Buffer.from(hkdfSync("sha256", key, salt, "aerostack/chunked-cipher/1", KEY_BYTES));
}

function nonceOf(chunk: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeUInt32BE(chunk, NONCE_BYTES - 5);
  nonce[NONCE_BYTES - 1] = last ? 1 : 0;
  return nonce;
}

export interface ChunkSealer {
  /** Written before everything else. */
  readonly header: Buffer;
  /** Takes plain bytes, in order; returns the sealed bytes that are complete so far. */
  update(data: Uint8Array): Buffer[];
  /** Seals what is left. Nothing may be added afterwards. */
  final(): Buffer;
}

/** Seals one file under `key` (32 bytes). */
export function createChunkSealer(key: Uint8Array): ChunkSealer {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header[3] = VERSION;
  header[4] = CHUNK_SIZE_LOG2;
  randomBytes(SALT_BYTES).copy(header, HEADER_BYTES - SALT_BYTES);
  const ownKey = fileKey(key, header);
  let parts: Uint8Array[] = [];
  let held = 0;
  let chunk = 0;

  function seal(last: boolean): Buffer {
    if (chunk >= MAX_CHUNKS) throw new Error("the file has more chunks than the nonce can count");
    const cipher = createCipheriv("aes-256-gcm", ownKey, nonceOf(chunk, last));
    cipher.setAAD(header);
    const sealed = parts.map((part) => cipher.update(part));
    sealed.push(cipher.final(), cipher.getAuthTag());
    chunk += 1;
    parts = [];
    held = 0;
    return Buffer.concat(sealed);
  }

  return {
    header,
    update(data) {
      const sealed: Buffer[] = [];
      let rest = data;
      while (rest.length > 0) {
        // A full chunk is sealed only when more follows: until then it may be the last one.
        if (held === CHUNK_BYTES) sealed.push(seal(false));
        const taken = rest.subarray(0, CHUNK_BYTES - held);
        // Copied: the source may reuse its buffer while the chunk waits to be filled.
        parts.push(Buffer.from(taken));
        held += taken.length;
        rest = rest.subarray(taken.length);
      }
      return sealed;
    },
    final: () => seal(true),
  };
}

/** Sealed bytes as a place to read from. */
export interface SealedSource {
  /** Sealed bytes in all. */
  readonly size: number;
  /** Exactly `length` bytes from `position`. */
  read(position: number, length: number): Promise<Buffer>;
}

/** Plain bytes in `sealedSize` sealed bytes. @throws SealBrokenError where no file has that size. */
export function plainSizeOf(sealedSize: number): number {
  const body = sealedSize - HEADER_BYTES;
  if (body < TAG_BYTES) throw new SealBrokenError("too short");
  const chunks = Math.ceil(body / SEALED_CHUNK_BYTES);
  const lastBytes = body - (chunks - 1) * SEALED_CHUNK_BYTES;
  if (lastBytes < TAG_BYTES || (chunks > 1 && lastBytes === TAG_BYTES)) throw new SealBrokenError("cut within a chunk");
  return body - chunks * TAG_BYTES;
}

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/**
 * Plain bytes of `range` (within the plain size), chunk by chunk. Each chunk is verified before any of its bytes are
 * yielded. @throws SealBrokenError
 */
export async function* openChunks(
  source: SealedSource,
  key: Uint8Array,
  range: ByteRange,
): AsyncGenerator<Buffer, void, undefined> {
  const plainSize = plainSizeOf(source.size);
  const end = range.offset + range.length;
  if (range.offset < 0 || range.length < 0 || end > plainSize) {
    throw new RangeError(`bytes ${range.offset} to ${end} are not within ${plainSize}`);
  }
  const header = await source.read(0, HEADER_BYTES);
  if (!header.subarray(0, MAGIC.length).equals(MAGIC)) throw new SealBrokenError("no header");
  if (header[3] !== VERSION || header[4] !== CHUNK_SIZE_LOG2) throw new SealBrokenError("unknown version");
  const ownKey = fileKey(key, header);
  const lastChunk = Math.max(0, Math.ceil(plainSize / CHUNK_BYTES) - 1);
  const first = Math.min(lastChunk, Math.floor(range.offset / CHUNK_BYTES));
  // A range without bytes still opens one chunk: an empty file is proved to be empty.
  const final = range.length === 0 ? first : Math.floor((end - 1) / CHUNK_BYTES);
  for (let chunk = first; chunk <= final; chunk += CHUNKS_PER_READ) {
    const position = HEADER_BYTES + chunk * SEALED_CHUNK_BYTES;
    const count = Math.min(CHUNKS_PER_READ, final - chunk + 1);
    const sealed = await source.read(position, Math.min(count * SEALED_CHUNK_BYTES, source.size - position));
    for (let index = 0; index < count; index++) {
      const own = sealed.subarray(index * SEALED_CHUNK_BYTES, (index + 1) * SEALED_CHUNK_BYTES);
      const plain = openChunk(own, ownKey, header, chunk + index, chunk + index === lastChunk);
      const start = (chunk + index) * CHUNK_BYTES;
      const wanted = plain.subarray(Math.max(0, range.offset - start), Math.max(0, end - start));
      if (wanted.length > 0) yield wanted;
    }
  }
}

function openChunk(sealed: Buffer, ownKey: Buffer, header: Buffer, chunk: number, last: boolean): Buffer {
  const decipher = createDecipheriv("aes-256-gcm", ownKey, nonceOf(chunk, last), { authTagLength: TAG_BYTES });
  decipher.setAAD(header);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  const plain = decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES));
  try {
    decipher.final();
  } catch (error) {
    throw new SealBrokenError(`chunk ${chunk}`, error);
  }
  return plain;
}
