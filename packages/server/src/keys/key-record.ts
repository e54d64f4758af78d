import { AerostackError } from "@aerostack/contracts";
import { createId } from "@aerostack/kernel";
import { newKey } from "../kernel/crypto/new-key.ts";
import { toIso, toIsoOrNull } from "../kernel/page.ts";
import { type KeyLimits, type NewLimits, parseList, storeLimits } from "./key-limits.ts";
import type { KeyColumns } from "./tables.ts";

export interface MadeKey<Row> {
  readonly row: Row;
  /** The key itself: shown now and never again. */
  readonly secret: string;
}

/** What is common to all keys when they are made. */
export interface NewKeyInput extends NewLimits {
  readonly name: string;
  /** Limits of the key that makes this one, where a key does. */
  readonly maker?: KeyLimits | null | undefined;
}

/**
 * @param idPrefix begins the id
 * @param letters begin the key: `ak`, `pk`, `sk`
 */
export function makeKey(idPrefix: string, letters: string, input: NewKeyInput, nowMs: number): MadeKey<KeyColumns> {
  const { secret, hash, prefix } = newKey(letters);
  const limits = storeLimits(input, input.maker ?? null, nowMs);
  const row = {
    id: createId(idPrefix, nowMs),
    name: input.name,
    prefix,
    hash,
    created_at: nowMs,
    last_used_at: null,
    last_used_ip: null,
    revoked_at: null,
    replaced_by: null,
    ...limits,
  };
  return { row, secret };
}

/** Limits as a request gives them. */
export function readNewLimits(given: {
  readonly scopes?: readonly string[] | undefined;
  readonly allowedIps?: readonly string[] | undefined;
  readonly expiresAt?: string | undefined;
}): NewLimits {
  const { scopes, allowedIps, expiresAt } = given;
  return { scopes, allowedIps, expiresAtMs: expiresAt === undefined ? undefined : Date.parse(expiresAt) };
}

/** False for a key that is revoked or has expired. */
export function isUsable(row: Pick<KeyColumns, "revoked_at" | "expires_at">, nowMs: number): boolean {
  return row.revoked_at === null && (row.expires_at === null || row.expires_at > nowMs);
}

/** When the old key ends: after the grace, and never later than it would have. */
export function endOfGrace(old: Pick<KeyColumns, "expires_at">, nowMs: number, graceMs: number): number {
  return Math.min(old.expires_at ?? Number.POSITIVE_INFINITY, nowMs + graceMs);
}

/** A rotated key may do what the old one may, from where it may, and for as long as it did. */
export function successorLimits(old: KeyColumns, nowMs: number): NewLimits {
  const lifetimeMs = old.expires_at === null ? undefined : old.expires_at - old.created_at;
  return {
    scopes: parseList(old.scopes) ?? undefined,
    allowedIps: parseList(old.allowed_ips) ?? undefined,
    expiresAtMs: lifetimeMs === undefined ? undefined : nowMs + lifetimeMs,
  };
}

export function notRotatable(): AerostackError {
  return new AerostackError("CONFLICT", {
    message: "This key was rotated, revoked or has expired already.",
    fix: "Make a new key instead.",
  });
}

/** What everybody sees of a key who may see that it exists. */
export function showKey(row: KeyColumns) {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    scopes: [...(parseList(row.scopes) ?? ["*"])],
    allowedIps: [...(parseList(row.allowed_ips) ?? [])],
    createdAt: toIso(row.created_at),
    expiresAt: toIsoOrNull(row.expires_at),
    lastUsedAt: toIsoOrNull(row.last_used_at),
    lastUsedIp: row.last_used_ip,
    replacedBy: row.replaced_by,
    revokedAt: toIsoOrNull(row.revoked_at),
  };
}
