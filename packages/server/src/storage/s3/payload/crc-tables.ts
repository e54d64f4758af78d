/** Bytes that are folded into a checksum at once. */
const SLICES = 8;
const BYTE_VALUES = 256;

/** Tables of a reflected 32-bit CRC for `SLICES` bytes at once (Kounavis and Berry, 2005). */
export function crc32Tables(polynomial: number): readonly Uint32Array[] {
  const tables = Array.from({ length: SLICES }, () => new Uint32Array(BYTE_VALUES));
  const [first] = tables;
  if (first === undefined) return tables;
  for (let byte = 0; byte < BYTE_VALUES; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    first[byte] = crc;
  }
  for (let slice = 1; slice < SLICES; slice++) {
    for (let byte = 0; byte < BYTE_VALUES; byte++) {
      const before = tables[slice - 1]?.[byte] ?? 0;
      (tables[slice] as Uint32Array)[byte] = (before >>> 8) ^ (first[before & 0xff] ?? 0);
    }
  }
  return tables;
}

/** The same for 64 bits, each value as two halves: JavaScript's own integers end at 53. */
export function crc64Tables(polynomialHigh: number, polynomialLow: number) {
  const high = Array.from({ length: SLICES }, () => new Uint32Array(BYTE_VALUES));
  const low = Array.from({ length: SLICES }, () => new Uint32Array(BYTE_VALUES));
  const firstHigh = high[0] as Uint32Array;
  const firstLow = low[0] as Uint32Array;
  for (let byte = 0; byte < BYTE_VALUES; byte++) {
    let h = 0;
    let l = byte;
    for (let bit = 0; bit < 8; bit++) {
      const isOdd = l & 1;
      l = (l >>> 1) | (h << 31);
      h >>>= 1;
      if (isOdd) {
        h ^= polynomialHigh;
        l ^= polynomialLow;
      }
    }
    firstHigh[byte] = h;
    firstLow[byte] = l;
  }
  for (let slice = 1; slice < SLICES; slice++) {
    for (let byte = 0; byte < BYTE_VALUES; byte++) {
      const h = high[slice - 1]?.[byte] ?? 0;
      const l = low[slice - 1]?.[byte] ?? 0;
      const index = l & 0xff;
      (low[slice] as Uint32Array)[byte] = ((l >>> 8) | (h << 24)) ^ (firstLow[index] ?? 0);
      (high[slice] as Uint32Array)[byte] = (h >>> 8) ^ (firstHigh[index] ?? 0);
    }
  }
  return { high, low };
}
