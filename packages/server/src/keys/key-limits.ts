import { AerostackError, ALL_KEY_SCOPES, type KeyScope, scopesOfGrant } from "@aerostack/contracts";
import { type AddressTest, createAddressTest } from "./allowed-addresses.ts";

/** What narrows a key down, ready to be asked on every call. A key without any has none of this. */
export interface KeyLimits {
  /** What it may do; null: everything that its kind may. */
  readonly scopes: ReadonlySet<KeyScope> | null;
  /** As they were granted, and the texts of the addresses: for keys that are made with this one. */
  readonly grants: readonly string[] | null;
  readonly addresses: readonly string[] | null;
  readonly allowsAddress: AddressTest | null;
  readonly expiresAtMs: number | null;
}

/** What is stored of a key's limits. */
export interface StoredLimits {
  /** JSON array of grants; null: everything. */
  readonly scopes: string | null;
  /** JSON array of addresses and networks; null: anywhere. */
  readonly allowed_ips: string | null;
  readonly expires_at: number | null;
}

/** What a new key is to be limited to. */
export interface NewLimits {
  readonly scopes?: readonly string[] | undefined;
  readonly allowedIps?: readonly string[] | undefined;
  readonly expiresAtMs?: number | undefined;
}

const FULL_SCOPE = "*";

/** @returns null for a key that may do everything, from anywhere, for ever. */
export function readLimits(stored: StoredLimits): KeyLimits | null {
  const grants = parseList(stored.scopes);
  const addresses = parseList(stored.allowed_ips);
  if (grants === null && addresses === null && stored.expires_at === null) return null;
  return {
    grants,
    scopes: grants === null ? null : scopesOf(grants),
    addresses,
    allowsAddress: addresses === null ? null : createAddressTest(addresses),
    expiresAtMs: stored.expires_at,
  };
}

export function scopesOf(grants: readonly string[]): ReadonlySet<KeyScope> {
  return new Set(grants.flatMap(scopesOfGrant));
}

export function parseList(json: string | null): readonly string[] | null {
  return json === null ? null : (JSON.parse(json) as readonly string[]);
}

/**
 * What is stored of the limits of a new key. A key that is made with a limited key is limited at least as much, or a
 * thief would make himself a better one: it takes over what is not said, and what is said must lie within.
 *
 * @throws FORBIDDEN · VALIDATION_ERROR for a time that is past
 */
export function storeLimits(wanted: NewLimits, maker: KeyLimits | null, nowMs: number): StoredLimits {
  if (wanted.expiresAtMs !== undefined && wanted.expiresAtMs <= nowMs) {
    throw new AerostackError("VALIDATION_ERROR", {
      message: "The key would have expired already.",
      details: { fieldErrors: { expiresAt: ["must be in the future"] } },
    });
  }
  const saidGrants = wanted.scopes?.includes(FULL_SCOPE) === true ? [] : wanted.scopes;
  const grants = saidGrants === undefined ? (maker?.grants ?? null) : listOrNull(saidGrants);
  const addresses = wanted.allowedIps === undefined ? (maker?.addresses ?? null) : listOrNull(wanted.allowedIps);
  const expiresAtMs = wanted.expiresAtMs ?? maker?.expiresAtMs ?? null;
  if (maker !== null) requireWithin({ grants, addresses, expiresAtMs }, maker);
  return {
    scopes: grants === null ? null : JSON.stringify(grants),
    allowed_ips: addresses === null ? null : JSON.stringify(addresses),
    expires_at: expiresAtMs,
  };
}

function requireWithin(
  wanted: { grants: readonly string[] | null; addresses: readonly string[] | null; expiresAtMs: number | null },
  maker: KeyLimits,
): void {
  const { scopes } = maker;
  const missing =
    scopes === null
      ? undefined
      : [...(wanted.grants === null ? ALL_KEY_SCOPES : scopesOf(wanted.grants))].find((scope) => !scopes.has(scope));
  if (missing !== undefined) throw tooWide(`the scope '${missing}', which the key in use does not have`);
  if (maker.addresses !== null) {
    const own = new Set(maker.addresses);
    const other = (wanted.addresses ?? ["anywhere"]).find((address) => !own.has(address));
    if (other !== undefined) throw tooWide(`use from '${other}', which the key in use does not list`);
  }
  if (maker.expiresAtMs !== null && (wanted.expiresAtMs ?? Number.POSITIVE_INFINITY) > maker.expiresAtMs) {
    throw tooWide("to live longer than the key in use");
  }
}

function tooWide(what: string): AerostackError {
  return new AerostackError("FORBIDDEN", {
    message: `A key that is made with a limited key is limited at least as much: this one asks for ${what}.`,
    fix: "Ask for less, or make the key after logging in.",
  });
}

/** An empty list is no limit. */
function listOrNull(list: readonly string[]): readonly string[] | null {
  return list.length === 0 ? null : [...new Set(list)].sort();
}

/** @throws FORBIDDEN naming the scope that is missing */
export function requireScope(limits: KeyLimits | null | undefined, needed: KeyScope): void {
  const scopes = limits?.scopes;
  if (scopes === null || scopes === undefined || scopes.has(needed)) return;
  throw new AerostackError("FORBIDDEN", {
    message: `This key does not have the scope '${needed}'.`,
    fix: `Use a key with the scope '${needed}', or make one with it ("scopes" of the request that creates a key).`,
    details: { missingScope: needed },
  });
}

/** @throws FORBIDDEN for a key that may not be used from there */
export function requireAddress(limits: KeyLimits | null | undefined, address: string | undefined): void {
  const test = limits?.allowsAddress;
  if (test === null || test === undefined || (address !== undefined && test(address))) return;
  throw new AerostackError("FORBIDDEN", {
    message: `This key may not be used from ${address === undefined || address === "" ? "an unknown address" : address}.`,
    fix: "Call from an address that the key lists, or change its list.",
  });
}
