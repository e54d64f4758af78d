import type { ServerResponse } from "node:http";
import { Refusal } from "../state/refusal.ts";
import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import { checkKey } from "./kv-checks.ts";
import { MAX_BULK_GET_BYTES, MAX_BULK_GET_KEYS } from "./kv-limits.ts";
import { getEntry } from "./kv-store.ts";

interface BulkRequest {
  readonly keys: readonly string[];
  readonly type: "text" | "json";
  readonly withMetadata: boolean;
}

/** Answers `POST /bulk/get`: an object of key → value, or of key → { value, metadata }; null for what is not there. */
export function answerBulkGet(
  db: SqliteDatabase,
  namespace: string,
  requestBody: Buffer,
  now: number,
  res: ServerResponse,
): void {
  const { keys, type, withMetadata } = parseRequest(requestBody);
  const parts: string[] = [];
  let bytes = 0;
  for (const key of new Set(keys)) {
    checkKey(key);
    const entry = getEntry(db, namespace, key, now);
    bytes += entry?.value.length ?? 0;
    if (bytes > MAX_BULK_GET_BYTES) {
      throw new Refusal(
        413,
        "VALUE_TOO_LARGE",
        `Total size of request exceeds the limit of ${MAX_BULK_GET_BYTES / 1024 / 1024}MB`,
      );
    }
    const value = entry === undefined ? "null" : valueAsJson(entry.value, type);
    const answer =
      withMetadata && entry !== undefined ? `{"value":${value},"metadata":${entry.metadata ?? "null"}}` : value;
    parts.push(`${JSON.stringify(key)}:${answer}`);
  }
  const body = Buffer.from(`{${parts.join(",")}}`);
  res.writeHead(200, { "content-type": "application/json", "content-length": body.length });
  res.end(body);
}

function valueAsJson(value: Buffer, type: "text" | "json"): string {
  const text = value.toString("utf8");
  if (type === "text") return JSON.stringify(text);
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    throw new Refusal(400, "VALIDATION_ERROR", "At least one of the requested keys corresponds to a non-json value");
  }
}

function parseRequest(body: Buffer): BulkRequest {
  let request: { keys?: unknown; type?: unknown; withMetadata?: unknown } | null;
  try {
    request = JSON.parse(body.toString("utf8"));
  } catch {
    request = null;
  }
  const keys = request?.keys;
  if (!Array.isArray(keys) || keys.some((key) => typeof key !== "string")) refuse("keys must be a list of key names");
  if (keys.length > MAX_BULK_GET_KEYS) refuse(`You can request a maximum of ${MAX_BULK_GET_KEYS} keys`);
  if (keys.length === 0) refuse("You must request a minimum of 1 key");
  const type = request?.type ?? "text";
  if (type !== "text" && type !== "json") refuse(`"${String(type)}" is not a valid type. Use "json" or "text"`);
  return { keys, type, withMetadata: request?.withMetadata === true };
}

function refuse(message: string): never {
  throw new Refusal(400, "VALIDATION_ERROR", message);
}
