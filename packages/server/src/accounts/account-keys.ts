import { AerostackError } from "@aerostack/contracts";
import { type Clock, createId } from "@aerostack/kernel";
import type { ChangeFeed } from "../kernel/change-feed/change-feed.ts";
import { newKey } from "../kernel/crypto/new-key.ts";
import { hashToken } from "../kernel/crypto/token-hash.ts";
import { type Page, type PageRequest, toPage } from "../kernel/page.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { ResolvedCredential } from "../keys/principal.ts";
import { type AccountKeyRow, accountKeyStore } from "./account-key-store.ts";
import { accountStore } from "./store.ts";
import type { AccountTables } from "./tables.ts";

/** Account keys (`ak_…`): they do what their account may do, and do not expire. */
export interface AccountKeyService {
  create(accountId: string, name: string): Promise<{ readonly row: AccountKeyRow; readonly secret: string }>;
  list(accountId: string, page: PageRequest): Promise<Page<AccountKeyRow>>;
  /** @throws NOT_FOUND when the account has no such key. */
  revoke(accountId: string, keyId: string): Promise<void>;
  /** The key of this text; null when it is unknown or revoked. */
  find(key: string): Promise<ResolvedCredential | null>;
  markUsed(keyIds: readonly string[], usedAtMs: number): Promise<void>;
}

const MAX_ACTIVE_KEYS = 200;

export interface AccountKeyServiceOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
}

export function createAccountKeyService({ sql: untyped, clock, changes }: AccountKeyServiceOptions): AccountKeyService {
  const sql = untyped.withTables<AccountTables>();
  return {
    async create(accountId, name) {
      if ((await accountKeyStore.countActive(sql.db, accountId)) >= MAX_ACTIVE_KEYS) {
        throw new AerostackError("CONFLICT", {
          message: `An account has at most ${MAX_ACTIVE_KEYS} keys.`,
          fix: "Revoke keys that are not used any more.",
        });
      }
      const now = clock.now();
      const key = newKey("ak");
      const row: AccountKeyRow = {
        id: createId("akey", now),
        account_id: accountId,
        name,
        prefix: key.prefix,
        hash: key.hash,
        created_at: now,
        last_used_at: null,
        revoked_at: null,
      };
      await accountKeyStore.insert(sql.db, row);
      return { row, secret: key.secret };
    },
    async list(accountId, page) {
      return toPage(await accountKeyStore.list(sql.db, accountId, page), page.limit);
    },
    async revoke(accountId, keyId) {
      const revoked = await changes.commit(sql, [`key:${keyId}`], (trx) =>
        accountKeyStore.revoke(trx, accountId, keyId, clock.now()),
      );
      if (!revoked) throw new AerostackError("NOT_FOUND", { message: "There is no such key." });
    },
    async find(key) {
      const row = await accountKeyStore.findByHash(sql.db, hashToken(key));
      if (row === undefined || row.revoked_at !== null) return null;
      const account = await accountStore.findById(sql.db, row.account_id);
      if (account === undefined) return null;
      return {
        principal: {
          kind: "account",
          accountId: account.id,
          isAdmin: account.is_admin === 1,
          via: "key",
          credentialId: row.id,
        },
        expiresAtMs: null,
        subjects: [`key:${row.id}`, `account:${account.id}`],
      };
    },
    markUsed: (keyIds, usedAtMs) => accountKeyStore.markUsed(sql.db, keyIds, usedAtMs),
  };
}
