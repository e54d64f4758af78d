type Row = Readonly<Record<string, unknown>>;

export interface RowOfFrame {
  readonly data: Row;
  readonly old?: Row;
  /** Columns that were left out. */
  readonly truncated?: readonly string[];
}

/** A change whose values are larger, before and after together, is told without those of `LARGE_VALUE_BYTES` or more. */
export const MAX_ROW_BYTES = 512 * 1024;
export const LARGE_VALUE_BYTES = 1024;
/** A control character takes six in JSON; nothing takes more, bytes of a blob among them. */
const MAX_BYTES_PER_ELEMENT = 6;

/** Characters of texts and bytes of blobs, which are lists of numbers. */
function elementsOf(row: Row | undefined): number {
  let elements = 0;
  for (const value of Object.values(row ?? {})) {
    elements += typeof value === "string" || Array.isArray(value) ? value.length : 0;
  }
  return elements;
}

function bytesOf(value: unknown): number {
  return typeof value === "string" || Array.isArray(value) ? Buffer.byteLength(JSON.stringify(value)) : 0;
}

/**
 * Keeps a change of a row below what a connection may have waiting: a reader of large rows would be taken for a slow one.
 * Small values stay, the key and what rules look at among them; large ones are left out and named.
 */
export function fitRow({ data, old }: RowOfFrame): RowOfFrame {
  const change = { data, ...(old === undefined ? {} : { old }) };
  if ((elementsOf(data) + elementsOf(old)) * MAX_BYTES_PER_ELEMENT <= MAX_ROW_BYTES) return change;
  const columns = [...new Set([...Object.keys(data), ...Object.keys(old ?? {})])];
  const sizes = new Map(columns.map((name) => [name, Math.max(bytesOf(data[name]), bytesOf(old?.[name]))]));
  const total = columns.reduce((sum, name) => sum + bytesOf(data[name]) + bytesOf(old?.[name]), 0);
  if (total <= MAX_ROW_BYTES) return change;
  const isKept = (name: string): boolean => (sizes.get(name) ?? 0) < LARGE_VALUE_BYTES;
  const keep = (row: Row): Row => Object.fromEntries(Object.entries(row).filter(([name]) => isKept(name)));
  return {
    data: keep(data),
    ...(old === undefined ? {} : { old: keep(old) }),
    truncated: columns.filter((name) => !isKept(name)),
  };
}
