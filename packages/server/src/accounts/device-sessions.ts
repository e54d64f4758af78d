import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Audit } from "../audit/record.ts";
import type { ChangeFeed } from "../kernel/change-feed/change-feed.ts";
import { type Page, type PageRequest, toPage } from "../kernel/page.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { AccountIdentity } from "../keys/principal.ts";
import { type SessionRow, sessionStore } from "./session-store.ts";
import type { AccountTables } from "./tables.ts";

/** Shows somebody where their account is logged in, and ends what they do not know or need. */
export interface DeviceSessions {
  list(accountId: string, request: PageRequest): Promise<Page<SessionRow>>;
  /** @throws NOT_FOUND when the account has no such open session */
  end(accountId: string, sessionId: string): Promise<void>;
  /** All but the one that asks; by a key, all. */
  endOthers(identity: AccountIdentity): Promise<void>;
}

export interface DeviceSessionsOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly audit: Audit;
}

export function createDeviceSessions(options: DeviceSessionsOptions): DeviceSessions {
  const { clock, changes, audit } = options;
  const sql = options.sql.withTables<AccountTables>();
  return {
    list: async (accountId, request) =>
      toPage(await sessionStore.listOpen(sql.db, accountId, request, clock.now()), request.limit),

    async end(accountId, sessionId) {
      await changes.commit(sql, [`session:${sessionId}`], async (trx) => {
        const session = await sessionStore.find(trx, sessionId);
        const ended =
          session?.account_id === accountId &&
          (await sessionStore.revoke(trx, sessionId, "ended by owner", clock.now()));
        if (!ended) throw new AerostackError("NOT_FOUND", { message: "There is no such session." });
        await audit.record(trx, { action: "session.revoked", target: { kind: "session", id: sessionId } });
      });
    },

    async endOthers({ accountId, credentialId }) {
      await changes.commit(sql, [`account:${accountId}`], async (trx) => {
        await sessionStore.revokeOthers(trx, accountId, credentialId, "ended by owner", clock.now());
        await audit.record(trx, { action: "session.others_revoked", target: { kind: "account", id: accountId } });
      });
    },
  };
}
