import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Audit } from "../../../audit/record.ts";
import type { Sql } from "../../../kernel/sql/index.ts";
import type { AccountIdentity } from "../../../keys/principal.ts";
import type { Notices } from "../../../notices/service.ts";
import { happenedNow } from "../../happened.ts";
import { requireSession } from "../../require-session.ts";
import type { AccountTables } from "../../tables.ts";
import { lockAccount, requireAnotherWayIn } from "../another-way-in.ts";
import type { WayInTables } from "../tables.ts";
import { type AccountIdentityRow, accountIdentityStore } from "./identity-store.ts";
import type { ProvenProfile } from "./proven-profile.ts";
import { identityRowOf } from "./provider-accounts.ts";

/** The providers that an account is connected to. Its owner is told of each change. */
export interface AccountIdentities {
  list(accountId: string): Promise<readonly AccountIdentityRow[]>;
  /** @throws FORBIDDEN by a key · AUTH_USER_EXISTS when it is another account's · CONFLICT when there is one already */
  connect(identity: AccountIdentity, profile: ProvenProfile): Promise<AccountIdentityRow>;
  /** @throws FORBIDDEN by a key · NOT_FOUND · CONFLICT when nothing else would let the owner in */
  disconnect(identity: AccountIdentity, provider: string): Promise<void>;
}

export interface AccountIdentitiesOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly notices: Pick<Notices, "sendInBackground">;
  /** As people are shown it. */
  readonly nameOf: (provider: string) => string;
}

const CHANGES = "Providers are connected and disconnected";

export function createAccountIdentities(options: AccountIdentitiesOptions): AccountIdentities {
  const { clock, audit, notices, nameOf } = options;
  const sql = options.sql.withTables<AccountTables & WayInTables>();
  const target = (id: string) => ({ kind: "account", id });

  return {
    list: (accountId) => accountIdentityStore.listOf(sql.db, accountId),

    async connect({ via, accountId }, profile) {
      requireSession(via, CHANGES);
      const { provider } = profile;
      const row = identityRowOf(profile, accountId, clock.now());
      const added = await sql.transaction(async (trx) => {
        const known = await accountIdentityStore.find(trx, row);
        if (known?.account_id === accountId) return known;
        if (known !== undefined || !(await accountIdentityStore.insert(trx, row))) throw notFree(known !== undefined);
        await audit.record(trx, { action: "identity.connected", target: target(accountId), after: { provider } });
        return null;
      });
      if (added !== null) return added;
      const data = { ...happenedNow(clock), provider: nameOf(provider) };
      notices.sendInBackground({ accountId, template: "login-linked", data });
      return row;
    },

    async disconnect({ via, accountId }, provider) {
      requireSession(via, CHANGES);
      await sql.transaction(async (trx) => {
        await lockAccount(trx, accountId);
        if ((await accountIdentityStore.remove(trx, accountId, provider)) === undefined) {
          throw new AerostackError("NOT_FOUND", { message: "This provider is not connected." });
        }
        await requireAnotherWayIn(trx, accountId);
        await audit.record(trx, { action: "identity.disconnected", target: target(accountId), before: { provider } });
      });
      const data = { ...happenedNow(clock), provider: nameOf(provider) };
      notices.sendInBackground({ accountId, template: "login-unlinked", data });
    },
  };
}

function notFree(isAnotherAccounts: boolean): AerostackError {
  if (isAnotherAccounts) {
    return new AerostackError("AUTH_USER_EXISTS", {
      message: "This identity opens another account.",
      fix: "Log in to that account and disconnect the provider there, or use another identity.",
    });
  }
  return new AerostackError("CONFLICT", {
    message: "The account is connected to another identity of this provider.",
    fix: "Disconnect it before.",
  });
}
