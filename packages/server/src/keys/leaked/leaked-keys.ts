import type { Clock } from "@aerostack/kernel";
import { maskText } from "../../audit/mask-secrets.ts";
import type { Notices } from "../../notices/service.ts";

/** A key that was found where it does not belong, with what the audit log is to say about that. */
export interface LeakReport {
  /** Who says so, as the owner reads it: `GitHub secret scanning`. */
  readonly reporter: string;
  /** Where it was found. Strangers write it: it stands in the audit log and in no mail. */
  readonly foundAt?: string | undefined;
}

/** A key that a report revoked. */
export interface RevokedLeak {
  /** Whose key it was, or who answers for its project. */
  readonly accountId: string;
  readonly name: string;
  readonly prefix: string;
}

/**
 * Revokes the key of this text with an audit entry; null for one that is unknown, and for one that works no more or is
 * made to be public, which stay as they are.
 */
export type LeakRevoker = (key: string, report: LeakReport) => Promise<RevokedLeak | null>;

/**
 * Takes keys that somebody found: whoever holds a key may have it revoked, because whoever holds it could do worse. What
 * became of a key is told to its owner and never to who reports it.
 */
export interface LeakedKeys {
  /**
   * Resolves when every key among them is revoked, so that a report which was answered cannot be lost. Those who can ask
   * about a key by reporting it have it already: the time that this takes tells them nothing that using it would not.
   */
  report(keys: readonly string[], report: LeakReport): Promise<void>;
}

export interface LeakedKeysOptions {
  readonly clock: Clock;
  readonly notices: Pick<Notices, "sendInBackground">;
  /** By the letters that keys begin with. Public keys are not here: everybody may read them in a page. */
  readonly revokers: Readonly<Record<"ak" | "sk", LeakRevoker>>;
}

const MAX_FOUND_AT_CHARACTERS = 500;

export function createLeakedKeys({ clock, notices, revokers }: LeakedKeysOptions): LeakedKeys {
  function revokerOf(key: string): LeakRevoker | null {
    if (key.startsWith("ak_")) return revokers.ak;
    return key.startsWith("sk_") ? revokers.sk : null;
  }

  return {
    async report(keys, { reporter, foundAt }) {
      const report = { reporter, foundAt: foundAt === undefined ? undefined : cleanAddress(foundAt) };
      for (const key of new Set(keys)) {
        const revoked = await revokerOf(key)?.(key, report);
        if (revoked === null || revoked === undefined) continue;
        const { accountId, name, prefix } = revoked;
        const data = { keyName: name, keyPrefix: prefix, reporter, at: new Date(clock.now()) };
        notices.sendInBackground({ accountId, template: "key-leaked", data });
      }
    },
  };
}

/** Where a key was found may be an address that has the key in it. */
function cleanAddress(text: string): string {
  return maskText(text).slice(0, MAX_FOUND_AT_CHARACTERS);
}
