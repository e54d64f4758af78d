import { createHash } from "node:crypto";
import { crc32, createDeflateRaw } from "node:zlib";

/** A file of an archive, before it is read. */
export interface ZipFile {
  /** With slashes, relative. */
  readonly name: string;
  readonly content: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>;
}

/** A file as it was written. */
export interface WrittenFile {
  readonly name: string;
  readonly bytes: number;
  /** Hex, of the content itself. */
  readonly sha256: string;
}

// APPNOTE.TXT of PKWARE, version 6.3.10: every entry in ZIP64 (4.3.9.2, 4.5.3), with its sizes behind it (bit 3 of the flags),
// so that nothing has to be known of a file before it is read, and none is too large.
const LOCAL = 0x04034b50;
const DESCRIPTOR = 0x08074b50;
const CENTRAL = 0x02014b50;
const ZIP64_END = 0x06064b50;
const ZIP64_LOCATOR = 0x07064b50;
const END = 0x06054b50;
const VERSION_ZIP64 = 45;
/** Sizes come behind the file; names are UTF-8. */
const FLAGS = 0x0808;
const DEFLATE = 8;
const ZIP64_EXTRA = 0x0001;
const IN_ZIP64 = 0xffffffff;
const IN_ZIP64_SHORT = 0xffff;
const FIRST_YEAR = 1980;

interface Entry {
  readonly name: Buffer;
  readonly crc: number;
  readonly size: number;
  readonly compressed: number;
  readonly offset: number;
}

/**
 * An archive as it comes into being, file after file, at the reader's pace. Whoever reads the files' names and hashes gets
 * them as each is written.
 *
 * @param atMs the time that all entries carry, in UTC
 */
export async function* zipStream(
  files: AsyncIterable<ZipFile>,
  atMs: number,
  onWritten: (file: WrittenFile) => void,
): AsyncGenerator<Buffer> {
  const entries: Entry[] = [];
  const stamp = dosTime(atMs);
  let offset = 0;
  for await (const { name, content } of files) {
    const bytes = Buffer.from(name);
    const start = offset;
    const head = Buffer.concat([localHeader(bytes, stamp), bytes, zip64Extra([0, 0])]);
    offset += head.length;
    yield head;
    let size = 0;
    let crc = 0;
    let compressed = 0;
    const hash = createHash("sha256");
    const deflate = createDeflateRaw();
    const feeding = feed(deflate, content, (chunk) => {
      size += chunk.length;
      crc = crc32(chunk, crc);
      hash.update(chunk);
    });
    // Met where the archive is read: below, and again by whoever awaits the file's end.
    feeding.catch((error: unknown) => deflate.destroy(error instanceof Error ? error : new Error(String(error))));
    for await (const chunk of deflate as AsyncIterable<Buffer>) {
      compressed += chunk.length;
      yield chunk;
    }
    await feeding;
    offset += compressed;
    const descriptor = Buffer.alloc(24);
    descriptor.writeUInt32LE(DESCRIPTOR, 0);
    descriptor.writeUInt32LE(crc, 4);
    descriptor.writeBigUInt64LE(BigInt(compressed), 8);
    descriptor.writeBigUInt64LE(BigInt(size), 16);
    offset += descriptor.length;
    yield descriptor;
    entries.push({ name: bytes, crc, size, compressed, offset: start });
    onWritten({ name, bytes: size, sha256: hash.digest("hex") });
  }
  yield Buffer.concat([...entries.map((entry) => centralHeader(entry, stamp)), endOf(entries, offset)]);
}

/** Hands the content on, no faster than it is taken. */
async function feed(
  deflate: ReturnType<typeof createDeflateRaw>,
  content: ZipFile["content"],
  onChunk: (chunk: Buffer) => void,
): Promise<void> {
  for await (const piece of content) {
    const chunk = Buffer.from(piece as Uint8Array);
    onChunk(chunk);
    if (!deflate.write(chunk)) await untilTaken(deflate);
    if (deflate.destroyed) return;
  }
  deflate.end();
}

/** Until more may be written, or nothing more is read. */
function untilTaken(deflate: ReturnType<typeof createDeflateRaw>): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      deflate.off("drain", done).off("close", done);
      resolve();
    };
    deflate.on("drain", done).on("close", done);
  });
}

function localHeader(name: Buffer, { date, time }: DosTime): Buffer {
  const header = Buffer.alloc(30);
  header.writeUInt32LE(LOCAL, 0);
  header.writeUInt16LE(VERSION_ZIP64, 4);
  header.writeUInt16LE(FLAGS, 6);
  header.writeUInt16LE(DEFLATE, 8);
  header.writeUInt16LE(time, 10);
  header.writeUInt16LE(date, 12);
  header.writeUInt32LE(IN_ZIP64, 18);
  header.writeUInt32LE(IN_ZIP64, 22);
  header.writeUInt16LE(name.length, 26);
  header.writeUInt16LE(zip64Extra([0, 0]).length, 28);
  return header;
}

function centralHeader({ name, crc, size, compressed, offset }: Entry, { date, time }: DosTime): Buffer {
  const extra = zip64Extra([size, compressed, offset]);
  const header = Buffer.alloc(46);
  header.writeUInt32LE(CENTRAL, 0);
  header.writeUInt16LE(VERSION_ZIP64, 4);
  header.writeUInt16LE(VERSION_ZIP64, 6);
  header.writeUInt16LE(FLAGS, 8);
  header.writeUInt16LE(DEFLATE, 10);
  header.writeUInt16LE(time, 12);
  header.writeUInt16LE(date, 14);
  header.writeUInt32LE(crc, 16);
  header.writeUInt32LE(IN_ZIP64, 20);
  header.writeUInt32LE(IN_ZIP64, 24);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt16LE(extra.length, 30);
  header.writeUInt32LE(IN_ZIP64, 42);
  return Buffer.concat([header, name, extra]);
}

function zip64Extra(numbers: readonly number[]): Buffer {
  const extra = Buffer.alloc(4 + numbers.length * 8);
  extra.writeUInt16LE(ZIP64_EXTRA, 0);
  extra.writeUInt16LE(numbers.length * 8, 2);
  numbers.forEach((number, at) => void extra.writeBigUInt64LE(BigInt(number), 4 + at * 8));
  return extra;
}

function endOf(entries: readonly Entry[], directoryAt: number): Buffer {
  const size = entries.reduce((sum, { name }) => sum + 46 + name.length + 28, 0);
  const zip64 = Buffer.alloc(56);
  zip64.writeUInt32LE(ZIP64_END, 0);
  zip64.writeBigUInt64LE(44n, 4);
  zip64.writeUInt16LE(VERSION_ZIP64, 12);
  zip64.writeUInt16LE(VERSION_ZIP64, 14);
  zip64.writeBigUInt64LE(BigInt(entries.length), 24);
  zip64.writeBigUInt64LE(BigInt(entries.length), 32);
  zip64.writeBigUInt64LE(BigInt(size), 40);
  zip64.writeBigUInt64LE(BigInt(directoryAt), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(ZIP64_LOCATOR, 0);
  locator.writeBigUInt64LE(BigInt(directoryAt + size), 8);
  locator.writeUInt32LE(1, 16);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(END, 0);
  end.writeUInt16LE(IN_ZIP64_SHORT, 8);
  end.writeUInt16LE(IN_ZIP64_SHORT, 10);
  end.writeUInt32LE(IN_ZIP64, 12);
  end.writeUInt32LE(IN_ZIP64, 16);
  return Buffer.concat([zip64, locator, end]);
}

interface DosTime {
  readonly date: number;
  readonly time: number;
}

function dosTime(ms: number): DosTime {
  const at = new Date(ms);
  const year = Math.max(at.getUTCFullYear() - FIRST_YEAR, 0);
  return {
    date: (year << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate(),
    time: (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1),
  };
}
