import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Audit } from "../audit/record.ts";
import type { ChangeFeed } from "../kernel/change-feed/change-feed.ts";
import { mayBeKey } from "../kernel/crypto/new-key.ts";
import { hashToken } from "../kernel/crypto/token-hash.ts";
import { type Page, type PageRequest, toPage } from "../kernel/page.ts";
import type { Sql } from "../kernel/sql/index.ts";
import { type KeyLimits, readLimits } from "../keys/key-limits.ts";
import {
  endOfGrace,
  isUsable,
  type MadeKey,
  makeKey,
  type NewKeyInput,
  notRotatable,
  showKey,
  successorLimits,
} from "../keys/key-record.ts";
import type { LeakRevoker } from "../keys/leaked/leaked-keys.ts";
import type { AccountIdentity, ResolvedCredential } from "../keys/principal.ts";
import type { MarkUsed } from "../keys/record-uses.ts";
import { personalOrganisationId } from "../teams/tables.ts";
import { type AccountKeyRow, accountKeyStore } from "./account-key-store.ts";
import { accountStore } from "./store.ts";
import type { AccountTables } from "./tables.ts";

/** Account keys (`ak_…`): they do what their account may do, as far as they are not limited. */
export interface AccountKeyService {
  /** @throws CONFLICT · VALIDATION_ERROR · FORBIDDEN where a limited key asks for more than it has */
  create(accountId: string, input: NewKeyInput): Promise<MadeKey<AccountKeyRow>>;
  list(accountId: string, page: PageRequest): Promise<Page<AccountKeyRow>>;
  /**
   * Makes a key that may do what the old one may; the old one goes on for `graceMs`.
   *
   * @throws NOT_FOUND · CONFLICT when it was rotated, revoked or has expired already
   */
  rotate(
    accountId: string,
    keyId: string,
    input: { readonly graceMs: number } & Pick<NewKeyInput, "maker">,
  ): Promise<MadeKey<AccountKeyRow>>;
  /** @throws NOT_FOUND when the account has no such key. */
  revoke(accountId: string, keyId: string): Promise<void>;
  readonly revokeLeaked: LeakRevoker;
  /** The key of this text; null when it is unknown, revoked or expired. */
  find(key: string): Promise<ResolvedCredential<AccountIdentity> | null>;
  /** The limits of a key by its id, null for one without any; undefined when it is revoked, expired or gone. */
  limitsOf(keyId: string): Promise<KeyLimits | null | undefined>;
  readonly markUsed: MarkUsed;
}

const MAX_ACTIVE_KEYS = 200;
const ID_PREFIX = "akey";
const LETTERS = "ak";

export interface AccountKeyServiceOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly audit: Audit;
}

export function createAccountKeyService(options: AccountKeyServiceOptions): AccountKeyService {
  const { clock, changes, audit } = options;
  const sql = options.sql.withTables<AccountTables>();
  return {
    async create(accountId, input) {
      const now = clock.now();
      const made = makeKey(ID_PREFIX, LETTERS, input, now);
      const row: AccountKeyRow = { ...made.row, account_id: accountId };
      await sql.transaction(async (trx) => {
        if ((await accountKeyStore.countActive(trx, accountId, now)) >= MAX_ACTIVE_KEYS) throw tooManyKeys();
        await accountKeyStore.insert(trx, row);
        await audit.record(trx, {
          action: "account_key.created",
          target: { kind: "account_key", id: row.id },
          organisationId: personalOrganisationId(accountId),
          after: { ...showKey(row), accountId },
        });
      });
      return { row, secret: made.secret };
    },

    async list(accountId, page) {
      return toPage(await accountKeyStore.list(sql.db, accountId, page), page.limit);
    },

    async rotate(accountId, keyId, { graceMs, maker }) {
      const now = clock.now();
      return await changes.commit(sql, [`key:${keyId}`], async (trx) => {
        const old = await accountKeyStore.find(trx, accountId, keyId);
        if (old === undefined) throw noSuchKey();
        if (!isUsable(old, now)) throw notRotatable();
        const made = makeKey(ID_PREFIX, LETTERS, { name: old.name, maker, ...successorLimits(old, now) }, now);
        const row: AccountKeyRow = { ...made.row, account_id: accountId };
        if (!(await accountKeyStore.replace(trx, old.id, row.id, endOfGrace(old, now, graceMs)))) throw notRotatable();
        await accountKeyStore.insert(trx, row);
        await audit.record(trx, {
          action: "account_key.rotated",
          target: { kind: "account_key", id: old.id },
          organisationId: personalOrganisationId(accountId),
          before: showKey(old),
          after: { ...showKey(row), accountId },
        });
        return { row, secret: made.secret };
      });
    },

    async revoke(accountId, keyId) {
      await changes.commit(sql, [`key:${keyId}`], async (trx) => {
        const revoked = await accountKeyStore.revoke(trx, accountId, keyId, clock.now());
        if (revoked === undefined) throw noSuchKey();
        await audit.record(trx, {
          action: "account_key.revoked",
          target: { kind: "account_key", id: keyId },
          organisationId: personalOrganisationId(accountId),
          before: { ...showKey(revoked), accountId },
        });
      });
    },

    async revokeLeaked(key, report) {
      if (!mayBeKey(key)) return null;
      const hash = hashToken(key);
      const found = await accountKeyStore.findByHash(sql.db, hash);
      if (found === undefined) return null;
      return await changes.commit(sql, [`key:${found.id}`], async (trx) => {
        const now = clock.now();
        const row = await accountKeyStore.findByHash(trx, hash);
        if (row === undefined || !isUsable(row, now)) return null;
        await accountKeyStore.revoke(trx, row.account_id, row.id, now);
        await audit.record(trx, {
          action: "account_key.revoked",
          target: { kind: "account_key", id: row.id },
          organisationId: personalOrganisationId(row.account_id),
          before: { ...showKey(row), accountId: row.account_id },
          after: { reason: "leaked", ...report },
        });
        return { accountId: row.account_id, name: row.name, prefix: row.prefix };
      });
    },

    async find(key) {
      if (!mayBeKey(key)) return null;
      const row = await accountKeyStore.findByHash(sql.db, hashToken(key));
      if (row === undefined || !isUsable(row, clock.now())) return null;
      const account = await accountStore.findById(sql.db, row.account_id);
      if (account === undefined || account.closed_at !== null) return null;
      return {
        principal: {
          kind: "account",
          accountId: account.id,
          isAdmin: account.is_admin === 1,
          via: "key",
          credentialId: row.id,
          limits: readLimits(row),
        },
        expiresAtMs: row.expires_at,
        subjects: [`key:${row.id}`, `account:${account.id}`],
      };
    },

    async limitsOf(keyId) {
      const row = await accountKeyStore.findById(sql.db, keyId);
      return row === undefined || !isUsable(row, clock.now()) ? undefined : readLimits(row);
    },

    markUsed: (keyIds, usedAtMs, ip) => accountKeyStore.markUsed(sql.db, keyIds, usedAtMs, ip),
  };
}

function noSuchKey(): AerostackError {
  return new AerostackError("NOT_FOUND", { message: "There is no such key." });
}

function tooManyKeys(): AerostackError {
  return new AerostackError("CONFLICT", {
    message: `An account has at most ${MAX_ACTIVE_KEYS} keys.`,
    fix: "Revoke keys that are not used any more.",
  });
}
