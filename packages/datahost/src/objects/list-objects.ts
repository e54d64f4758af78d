import { decodeCursor, encodeCursor } from "../state/cursor.ts";
import { keyRange, prefixEnd } from "../state/key-range.ts";
import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import type { ObjectInfo } from "./object-info.ts";
import { MAX_LIST_OBJECTS } from "./object-limits.ts";
import { pageObjects } from "./object-store.ts";
import { R2Refusal } from "./r2-refusal.ts";

export interface ListOptions {
  readonly prefix?: string | undefined;
  /** Keys that have it after the prefix are told as one: the part up to it. */
  readonly delimiter?: string | undefined;
  readonly cursor?: string | undefined;
  readonly startAfter?: string | undefined;
  readonly limit?: number | undefined;
}

/** Entries as the caller renders them, and the bytes they take. */
export interface ListRendering<T> {
  readonly maxBytes: number;
  render(object: ObjectInfo): { readonly entry: T; readonly bytes: number };
}

export interface ObjectListing<T> {
  readonly objects: T[];
  readonly delimitedPrefixes: string[];
  /** Where the next page starts; undefined at the end. */
  readonly cursor: string | undefined;
}

/** The first rows of a page; after a delimited prefix the search starts again behind it. */
const ROWS_PER_QUERY = 200;

/**
 * One page of a bucket. The cursor is the key at which the next page begins, so a page costs what it returns, and what
 * is put or deleted between two pages neither repeats nor hides another key.
 *
 * @throws R2Refusal invalidMaxKeys, invalidArgument (cursor)
 */
export function listObjects<T>(
  db: SqliteDatabase,
  bucket: string,
  options: ListOptions,
  rendering: ListRendering<T>,
): ObjectListing<T> {
  const limit = options.limit ?? MAX_LIST_OBJECTS;
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIST_OBJECTS) throw new R2Refusal("invalidMaxKeys");
  const prefix = options.prefix ?? "";
  const delimiter = options.delimiter === "" ? undefined : options.delimiter;
  const { upper } = keyRange(prefix, null);
  const objects: T[] = [];
  const delimitedPrefixes: string[] = [];
  let bytes = 0;
  let next: string | undefined = firstKey(options, prefix);

  while (next !== undefined) {
    const rows = pageObjects(db, bucket, next, upper, Math.min(ROWS_PER_QUERY, limit + 1));
    if (rows.length === 0) break;
    next = undefined;
    for (const row of rows) {
      const group = delimiter === undefined ? undefined : groupOf(row.key, prefix, delimiter);
      const rendered = group === undefined ? rendering.render(row) : undefined;
      bytes += rendered?.bytes ?? Buffer.byteLength(group ?? "");
      const isFirst = objects.length + delimitedPrefixes.length === 0;
      if (objects.length + delimitedPrefixes.length === limit || (bytes > rendering.maxBytes && !isFirst)) {
        return { objects, delimitedPrefixes, cursor: encodeCursor([row.key]) };
      }
      if (group !== undefined) {
        delimitedPrefixes.push(group);
        next = prefixEnd(group);
        if (next === undefined) return { objects, delimitedPrefixes, cursor: undefined };
        break;
      }
      if (rendered !== undefined) objects.push(rendered.entry);
      // The least key after this one.
      next = `${row.key}\0`;
    }
  }
  return { objects, delimitedPrefixes, cursor: undefined };
}

/** The part of a key up to the first delimiter after the prefix. */
function groupOf(key: string, prefix: string, delimiter: string): string | undefined {
  const at = key.indexOf(delimiter, prefix.length);
  return at === -1 ? undefined : key.slice(0, at + delimiter.length);
}

function firstKey({ cursor, startAfter }: ListOptions, prefix: string): string {
  const candidates = [prefix];
  if (startAfter !== undefined) candidates.push(`${startAfter}\0`);
  if (cursor !== undefined && cursor !== "") {
    const position = decodeCursor(cursor)?.[0];
    if (typeof position !== "string") throw new R2Refusal("invalidArgument", { message: "The cursor is not valid." });
    candidates.push(position);
  }
  // The last of them in the order of bytes; JavaScript's own order differs.
  return candidates.reduce((last, one) => (Buffer.compare(Buffer.from(one), Buffer.from(last)) > 0 ? one : last));
}
