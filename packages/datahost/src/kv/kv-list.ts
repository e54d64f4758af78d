import type { ServerResponse } from "node:http";
import { decodeCursor, encodeCursor } from "../state/cursor.ts";
import { Refusal } from "../state/refusal.ts";
import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import { checkKeyLength } from "./kv-checks.ts";
import { MAX_LIST_KEYS } from "./kv-limits.ts";
import { listKeys } from "./kv-store.ts";

const INTEGER = /^-?\d{1,9}$/;

/** Answers a list request of the binding: `{ keys: [{ name, expiration?, metadata? }], list_complete, cursor? }`. */
export function answerList(
  db: SqliteDatabase,
  namespace: string,
  query: URLSearchParams,
  now: number,
  res: ServerResponse,
): void {
  const listing = listKeys(db, namespace, readOptions(query), now);
  const body = Buffer.from(
    JSON.stringify({
      keys: listing.keys.map(({ name, metadata, expiresAt }) => ({
        name,
        ...(expiresAt === null ? {} : { expiration: Math.floor(expiresAt / 1000) }),
        // As JSON text: the binding parses it once more.
        ...(metadata === null ? {} : { metadata }),
      })),
      list_complete: listing.complete,
      ...(listing.complete ? {} : { cursor: encodeCursor([listing.keys.at(-1)?.name ?? ""]) }),
      cacheStatus: null,
    }),
  );
  res.writeHead(200, { "content-type": "application/json", "content-length": body.length });
  res.end(body);
}

function readOptions(query: URLSearchParams): { prefix: string; after: string | null; limit: number } {
  const limitText = query.get("key_count_limit");
  const limit = limitText === null ? MAX_LIST_KEYS : INTEGER.test(limitText) ? Number(limitText) : Number.NaN;
  if (!(limit >= 1)) {
    refuse(`Invalid key_count_limit of ${limitText}. Please specify an integer greater than 0.`);
  }
  if (limit > MAX_LIST_KEYS) {
    refuse(`Invalid key_count_limit of ${limitText}. Please specify an integer less than ${MAX_LIST_KEYS}.`);
  }
  const prefix = query.get("prefix") ?? "";
  checkKeyLength(prefix);
  return { prefix, after: readCursor(query.get("cursor")), limit };
}

/** @returns the last key of the page before. @throws Refusal */
export function readCursor(cursor: string | null | undefined): string | null {
  if (cursor === null || cursor === undefined || cursor === "") return null;
  const after = decodeCursor(cursor)?.[0];
  if (typeof after !== "string") refuse("Invalid cursor.");
  return after;
}

function refuse(message: string): never {
  throw new Refusal(400, "VALIDATION_ERROR", message);
}
