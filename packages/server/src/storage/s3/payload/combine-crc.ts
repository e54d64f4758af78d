import type { ChecksumAlgorithm } from "./checksums.ts";

/** Reflected polynomials of the checksums that two contents' checksums can be put together of. */
const POLYNOMIALS: Readonly<
  Partial<Record<ChecksumAlgorithm, { readonly bits: bigint; readonly polynomial: bigint }>>
> = {
  crc32: { bits: 32n, polynomial: 0xedb88320n },
  crc32c: { bits: 32n, polynomial: 0x82f63b78n },
  crc64nvme: { bits: 64n, polynomial: 0x9a6c9329ac4bc9b5n },
};
/** 8 bits a byte: the power of two at which a length in bytes begins. */
const FIRST_POWER = 3;
/** Lengths of up to 2^50 bytes. */
const POWERS = 54;

export interface CrcPart {
  /** Hex. */
  readonly checksum: string;
  /** Bytes. */
  readonly size: number;
}

/** Whether contents' checksums give that of one after the other. */
export function isCombinable(algorithm: ChecksumAlgorithm): boolean {
  return POLYNOMIALS[algorithm] !== undefined;
}

/**
 * The checksum of contents one after another, from theirs: each is moved past the bytes that follow it, which is a
 * multiplication by a power of x in the field of the polynomial (as zlib's crc32_combine does it).
 *
 * @returns hex
 */
export function createCrcCombiner(algorithm: ChecksumAlgorithm): (parts: readonly CrcPart[]) => string {
  const known = POLYNOMIALS[algorithm];
  if (known === undefined) throw new Error(`${algorithm} cannot be combined`);
  const { bits, polynomial } = known;
  const one = 1n << (bits - 1n);

  function multiply(a: bigint, b: bigint): bigint {
    let product = 0n;
    let shifted = b;
    for (let bit = one; bit !== 0n; bit >>= 1n) {
      if ((a & bit) !== 0n) product ^= shifted;
      shifted = (shifted & 1n) === 0n ? shifted >> 1n : (shifted >> 1n) ^ polynomial;
    }
    return product;
  }

  /** x to the powers 1, 2, 4, 8, … */
  const powers = [one >> 1n];
  for (let index = 1; index < POWERS; index++) {
    const before = powers[index - 1] ?? one;
    powers.push(multiply(before, before));
  }
  // Parts of one size are the rule.
  const shifts = new Map<number, bigint>();

  function shiftBy(size: number): bigint {
    let shift = shifts.get(size);
    if (shift !== undefined) return shift;
    shift = one;
    let left = BigInt(size);
    for (let power = FIRST_POWER; left > 0n; power++, left >>= 1n) {
      if ((left & 1n) === 1n) shift = multiply(powers[power] ?? one, shift);
    }
    shifts.set(size, shift);
    return shift;
  }

  return (parts) => {
    let crc = 0n;
    for (const { checksum, size } of parts) crc = multiply(shiftBy(size), crc) ^ BigInt(`0x${checksum}`);
    return crc.toString(16).padStart(Number(bits) / 4, "0");
  };
}
