/**
 * Writes a Cap'n Proto message in one segment (https://capnproto.org/encoding.html). Only what a configuration needs:
 * structs, text, data, lists of structs and lists of text. Values are bytes, never source text, so that no name or secret
 * can be mistaken for syntax.
 */
const WORD_BYTES = 8;
const INITIAL_BYTES = 64 * 1024;
const LIST_POINTER = 1;
const ELEMENT_BYTE = 2;
const ELEMENT_POINTER = 6;
const ELEMENT_COMPOSITE = 7;

/** Where a struct's data section and pointer section start, in words. */
export interface StructAt {
  readonly data: number;
  readonly pointers: number;
}

/** Size of a struct in words: its data section and its number of pointers. */
export interface StructSize {
  readonly dataWords: number;
  readonly pointerWords: number;
}

export class CapnpMessage {
  private bytes = Buffer.alloc(INITIAL_BYTES);
  private words = 0;

  /** The root struct; to be called first. */
  root(size: StructSize): StructAt {
    const pointer = this.allocate(1);
    return this.placeStruct(pointer, size);
  }

  setUint16(at: StructAt, byteOffset: number, value: number): void {
    this.bytes.writeUInt16LE(value, at.data * WORD_BYTES + byteOffset);
  }

  setBit(at: StructAt, bit: number): void {
    const offset = at.data * WORD_BYTES + (bit >> 3);
    this.bytes.writeUInt8(this.bytes.readUInt8(offset) | (1 << (bit & 7)), offset);
  }

  setText(at: StructAt, pointer: number, value: string | Uint8Array): void {
    // Text ends in a zero byte that its length counts.
    this.placeBytes(at.pointers + pointer, typeof value === "string" ? Buffer.from(value) : value, 1);
  }

  setData(at: StructAt, pointer: number, value: Uint8Array): void {
    this.placeBytes(at.pointers + pointer, value, 0);
  }

  setStruct(at: StructAt, pointer: number, size: StructSize): StructAt {
    return this.placeStruct(at.pointers + pointer, size);
  }

  setTextList(at: StructAt, pointer: number, values: readonly string[]): void {
    const target = this.allocate(values.length);
    this.writeListPointer(at.pointers + pointer, target, ELEMENT_POINTER, values.length);
    values.forEach((value, index) => {
      this.placeBytes(target + index, Buffer.from(value), 1);
    });
  }

  setStructList<Item>(
    at: StructAt,
    pointer: number,
    size: StructSize,
    items: readonly Item[],
    write: (item: Item, at: StructAt) => void,
  ): void {
    const step = size.dataWords + size.pointerWords;
    const tag = this.allocate(1 + items.length * step);
    this.writeListPointer(at.pointers + pointer, tag, ELEMENT_COMPOSITE, items.length * step);
    // The tag has a struct pointer's form, with the number of elements in place of the offset.
    this.writeWord(tag, (items.length << 2) >>> 0, size.dataWords | (size.pointerWords << 16));
    items.forEach((item, index) => {
      const data = tag + 1 + index * step;
      write(item, { data, pointers: data + size.dataWords });
    });
  }

  /** The message with its segment table, as it travels over a pipe. */
  finish(): Buffer {
    const head = Buffer.alloc(WORD_BYTES);
    head.writeUInt32LE(this.words, 4);
    return Buffer.concat([head, this.bytes.subarray(0, this.words * WORD_BYTES)]);
  }

  private allocate(words: number): number {
    const start = this.words;
    this.words += words;
    const needed = this.words * WORD_BYTES;
    if (needed > this.bytes.length) {
      const grown = Buffer.alloc(Math.max(needed, this.bytes.length * 2));
      this.bytes.copy(grown);
      this.bytes = grown;
    }
    return start;
  }

  private placeStruct(pointer: number, size: StructSize): StructAt {
    const data = this.allocate(size.dataWords + size.pointerWords);
    this.writeWord(pointer, ((data - pointer - 1) << 2) >>> 0, size.dataWords | (size.pointerWords << 16));
    return { data, pointers: data + size.dataWords };
  }

  private placeBytes(pointer: number, value: Uint8Array, terminators: number): void {
    const length = value.length + terminators;
    const target = this.allocate(Math.ceil(length / WORD_BYTES));
    this.writeListPointer(pointer, target, ELEMENT_BYTE, length);
    this.bytes.set(value, target * WORD_BYTES);
  }

  private writeListPointer(pointer: number, target: number, elementSize: number, count: number): void {
    const offset = (((target - pointer - 1) << 2) | LIST_POINTER) >>> 0;
    this.writeWord(pointer, offset, ((count << 3) | elementSize) >>> 0);
  }

  private writeWord(word: number, low: number, high: number): void {
    this.bytes.writeUInt32LE(low, word * WORD_BYTES);
    this.bytes.writeUInt32LE(high, word * WORD_BYTES + 4);
  }
}
