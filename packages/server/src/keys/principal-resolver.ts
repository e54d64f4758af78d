import type { Clock } from "@aerostack/kernel";
import type { ChangeFeed } from "../kernel/change-feed/change-feed.ts";
import { requireAddress } from "./key-limits.ts";
import type { AccountIdentity, KeyPrincipal, Principal, ProjectPrincipal, ResolvedCredential } from "./principal.ts";

/** Finds a credential in the store; null when it is unknown, revoked or expired. */
export type CredentialFinder<Found = AccountIdentity | ProjectPrincipal> = (
  credential: string,
) => Promise<ResolvedCredential<Found> | null>;

export interface PrincipalResolver {
  /**
   * Who a credential stands for; null when it is not valid. Answers at once, without the database, for a credential that
   * was used lately. A revoked one is refused everywhere within a second (see the change feed).
   *
   * @param clientAddress where the call comes from; a key that lists addresses is refused from an unknown one.
   * @throws SERVICE_UNAVAILABLE when the database does not answer and nothing fresh is known · FORBIDDEN for a key that may
   * not be used from there.
   */
  resolve(credential: string, clientAddress?: string): Principal | null | Promise<Principal | null>;
  /** The same, for addresses that take keys and no sessions. */
  resolveKey(credential: string, clientAddress?: string): KeyPrincipal | null | Promise<KeyPrincipal | null>;
  /** Key ids with when and where each was last used, since the last call. */
  takeUses(): ReadonlyMap<string, KeyUse>;
}

/** The last use of a key. */
export interface KeyUse {
  readonly atMs: number;
  readonly ip: string | null;
}

interface Entry {
  readonly credential: string;
  readonly resolved: ResolvedCredential<Principal>;
  lastUsedAtMs: number;
  lastUsedIp: string | undefined;
  useIsReported: boolean;
}

export interface PrincipalResolverOptions {
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  /** With what accounts may do, because that is asked as often as who they are. */
  readonly find: CredentialFinder<Principal>;
  readonly maxEntries?: number;
  /** A good key was used from where it may not be. */
  readonly onRefused?: (principal: Principal, clientAddress: string | undefined) => void;
}

const DEFAULT_MAX_ENTRIES = 50_000;
/** Unknown credentials remembered, so that a flood of one wrong key does not become a flood of queries. */
const MAX_UNKNOWN = 10_000;
const UNKNOWN_TTL_MS = 1_000;

export function createPrincipalResolver(options: PrincipalResolverOptions): PrincipalResolver {
  const { clock, changes, find, maxEntries = DEFAULT_MAX_ENTRIES } = options;
  const entries = new Map<string, Entry>();
  const bySubject = new Map<string, Set<Entry>>();
  const unknownUntilMs = new Map<string, number>();
  const finding = new Map<string, Promise<Principal | null>>();
  /** Uses of entries that are gone. */
  let droppedUses = new Map<string, KeyUse>();

  changes.onChange((subjects) => {
    const affected =
      subjects === null ? [...entries.values()] : subjects.flatMap((subject) => [...(bySubject.get(subject) ?? [])]);
    for (const entry of affected) drop(entry);
  });

  function drop(entry: Entry): void {
    entries.delete(entry.credential);
    noteUse(droppedUses, entry);
    for (const subject of entry.resolved.subjects) {
      const set = bySubject.get(subject);
      set?.delete(entry);
      if (set?.size === 0) bySubject.delete(subject);
    }
  }

  function noteUse(uses: Map<string, KeyUse>, entry: Entry): void {
    if (entry.useIsReported) return;
    entry.useIsReported = true;
    uses.set(entry.resolved.principal.credentialId, { atMs: entry.lastUsedAtMs, ip: entry.lastUsedIp ?? null });
  }

  function keep(credential: string, resolved: ResolvedCredential<Principal>, clientAddress: string | undefined): void {
    // One that is refused for its address is known from now on, and was not used.
    const isRefused = resolved.principal.limits?.allowsAddress?.(clientAddress ?? "") === false;
    const use = { lastUsedAtMs: clock.now(), lastUsedIp: clientAddress, useIsReported: isRefused };
    const entry: Entry = { credential, resolved, ...use };
    entries.set(credential, entry);
    for (const subject of resolved.subjects) bySubject.set(subject, (bySubject.get(subject) ?? new Set()).add(entry));
    if (entries.size <= maxEntries) return;
    const [oldest] = entries.values();
    if (oldest !== undefined) drop(oldest);
  }

  async function findAndKeep(credential: string, clientAddress: string | undefined): Promise<Principal | null> {
    const versionBefore = changes.version;
    const resolved = await find(credential);
    if (resolved === null) {
      if (unknownUntilMs.size >= MAX_UNKNOWN) unknownUntilMs.clear();
      unknownUntilMs.set(credential, clock.now() + UNKNOWN_TTL_MS);
      return null;
    }
    // A change that became known while the store was read may have been about this very credential.
    if (changes.version === versionBefore) keep(credential, resolved, clientAddress);
    return resolved.principal;
  }

  /** @throws FORBIDDEN for a key that may not be used from there */
  function requireFrom(principal: Principal, clientAddress: string | undefined): void {
    try {
      requireAddress(principal.limits, clientAddress);
    } catch (error) {
      options.onRefused?.(principal, clientAddress);
      throw error;
    }
  }

  function lookUp(credential: string, clientAddress: string | undefined): Principal | null | Promise<Principal | null> {
    const now = clock.now();
    const entry = entries.get(credential);
    if (entry !== undefined) {
      const { principal, expiresAtMs } = entry.resolved;
      if (expiresAtMs === null || now < expiresAtMs) {
        if (principal.limits !== null && principal.limits !== undefined) requireFrom(principal, clientAddress);
        entry.lastUsedAtMs = now;
        entry.lastUsedIp = clientAddress;
        entry.useIsReported = false;
        return principal;
      }
      drop(entry);
      return null;
    }
    const unknownUntil = unknownUntilMs.get(credential);
    if (unknownUntil !== undefined) {
      if (now < unknownUntil) return null;
      unknownUntilMs.delete(credential);
    }
    let found = finding.get(credential);
    if (found === undefined) {
      found = findAndKeep(credential, clientAddress).finally(() => finding.delete(credential));
      finding.set(credential, found);
    }
    return found.then((principal) => {
      if (principal !== null) requireFrom(principal, clientAddress);
      return principal;
    });
  }

  function resolve(credential: string, clientAddress?: string): Principal | null | Promise<Principal | null> {
    const fresh = changes.ensureFresh();
    return fresh === true ? lookUp(credential, clientAddress) : fresh.then(() => lookUp(credential, clientAddress));
  }

  return {
    resolve,
    resolveKey(credential, clientAddress) {
      const found = resolve(credential, clientAddress);
      return found instanceof Promise ? found.then(keyOnly) : keyOnly(found);
    },
    takeUses() {
      const uses = droppedUses;
      droppedUses = new Map();
      for (const entry of entries.values()) noteUse(uses, entry);
      return uses;
    },
  };
}

function keyOnly(principal: Principal | null): KeyPrincipal | null {
  return principal?.via === "key" ? (principal as KeyPrincipal) : null;
}
