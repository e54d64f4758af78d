// For tests only: reads an archive as any program does, from the directory at its end.
import { crc32, inflateRawSync } from "node:zlib";

const END_BYTES = 22;
const LOCATOR_BYTES = 20;

/** Every file by its name. @throws Error where a length or check sum is not what the directory says */
export function readZip(archive: Buffer): Map<string, Buffer> {
  const locator = archive.length - END_BYTES - LOCATOR_BYTES;
  const end = Number(archive.readBigUInt64LE(locator + 8));
  const count = Number(archive.readBigUInt64LE(end + 32));
  let at = Number(archive.readBigUInt64LE(end + 48));
  const files = new Map<string, Buffer>();
  for (let entry = 0; entry < count; entry++) {
    if (archive.readUInt32LE(at) !== 0x02014b50) throw new Error(`no entry at ${at}`);
    const nameBytes = archive.readUInt16LE(at + 28);
    const extraBytes = archive.readUInt16LE(at + 30);
    const name = archive.toString("utf8", at + 46, at + 46 + nameBytes);
    const zip64 = at + 46 + nameBytes + 4;
    const [size, compressed, offset] = [0, 8, 16].map((more) => Number(archive.readBigUInt64LE(zip64 + more)));
    if (size === undefined || compressed === undefined || offset === undefined) throw new Error("no sizes");
    const start = offset + 30 + archive.readUInt16LE(offset + 26) + archive.readUInt16LE(offset + 28);
    const content = inflateRawSync(archive.subarray(start, start + compressed));
    if (content.length !== size || crc32(content) !== archive.readUInt32LE(at + 16))
      throw new Error(`${name} is broken`);
    files.set(name, content);
    at += 46 + nameBytes + extraBytes;
  }
  return files;
}
