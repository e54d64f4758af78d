import { AerostackError } from "@aerostack/contracts/errors";
import type { SqliteDatabase } from "../state/sqlite-driver.ts";
import { getEntry, putEntry } from "./kv-store.ts";

export interface Increment {
  /** May be negative. */
  readonly amount: number;
  /** What a new counter starts from, before the amount is added. */
  readonly initialValue: number;
  /** When a new counter expires; one that is there keeps its own time. */
  readonly newExpiry: number | null;
  /** Of a new counter, as JSON text. */
  readonly newMetadata: string | null;
  readonly now: number;
}

/**
 * Adds to a number that is stored as JSON text. @returns the new number.
 * @throws AerostackError CONFLICT when the value is not a number, VALIDATION_ERROR when the sum is none.
 */
export function incrementEntry(db: SqliteDatabase, namespace: string, key: string, increment: Increment): number {
  const entry = getEntry(db, namespace, key, increment.now);
  const current = entry === undefined ? increment.initialValue : parseNumber(entry.value);
  if (current === undefined) {
    throw new AerostackError("CONFLICT", {
      message: "The value of this key is not a number.",
      fix: "Increment another key, or store a number in this one first.",
    });
  }
  const value = current + increment.amount;
  if (!Number.isFinite(value)) {
    throw new AerostackError("VALIDATION_ERROR", {
      message: "The amount and the initial value must be finite numbers.",
    });
  }
  putEntry(db, namespace, key, {
    value: Buffer.from(JSON.stringify(value)),
    metadata: entry === undefined ? increment.newMetadata : entry.metadata,
    expiresAt: entry === undefined ? increment.newExpiry : entry.expiresAt,
  });
  return value;
}

const MAX_NUMBER_BYTES = 32;

function parseNumber(value: Buffer): number | undefined {
  if (value.length === 0 || value.length > MAX_NUMBER_BYTES) return undefined;
  const text = value.toString("utf8").trim();
  const number = text === "" ? Number.NaN : Number(text);
  return Number.isFinite(number) ? number : undefined;
}
