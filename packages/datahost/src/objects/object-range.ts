import type { ObjectRange } from "./object-info.ts";
import { R2Refusal } from "./r2-refusal.ts";

/** What a reader asks for; nothing of it means the whole object. */
export interface RangeRequest {
  readonly offset?: number | undefined;
  readonly length?: number | undefined;
  /** The last bytes. */
  readonly suffix?: number | undefined;
  /** A Range header. One that is malformed, or names several ranges, is passed over. */
  readonly header?: string | undefined;
}

const RANGE_HEADER = /^\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i;

/** @throws R2Refusal invalidRange where the object has none of the bytes. */
export function resolveRange(request: RangeRequest | undefined, size: number): ObjectRange {
  const whole = { offset: 0, length: size };
  if (request === undefined) return whole;
  const { offset, length, suffix } = request.header === undefined ? request : parseHeader(request.header);
  if (suffix !== undefined) {
    if (suffix <= 0) throw new R2Refusal("invalidRange");
    const taken = Math.min(suffix, size);
    return { offset: size - taken, length: taken };
  }
  if (offset === undefined && length === undefined) return whole;
  const start = offset ?? 0;
  const available = size - start;
  const wanted = length ?? available;
  if (available <= 0 || wanted <= 0) throw new R2Refusal("invalidRange");
  return { offset: start, length: Math.min(wanted, available) };
}

function parseHeader(header: string): Pick<RangeRequest, "offset" | "length" | "suffix"> {
  const [, first = "", last = ""] = RANGE_HEADER.exec(header) ?? [];
  if (first === "") return last === "" ? {} : { suffix: Number(last) };
  const offset = Number(first);
  if (last === "") return { offset };
  const end = Number(last);
  return end < offset ? {} : { offset, length: end - offset + 1 };
}
