import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Audit } from "../../audit/record.ts";
import type { ChangeFeed } from "../../kernel/change-feed/change-feed.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { AccountIdentity } from "../../keys/principal.ts";
import { type AccountRow, accountStore } from "../store.ts";
import type { AccountTables } from "../tables.ts";

/** What an account says of the person behind it. Left out: stays as it is; null: nothing is said any more. */
export interface ProfileChange {
  readonly name?: string | null | undefined;
  /** Of the IANA database, such as `Europe/Berlin`. */
  readonly timeZone?: string | null | undefined;
  /** A language tag (BCP 47), such as `de-DE`. */
  readonly locale?: string | null | undefined;
}

export interface ProfileOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly audit: Audit;
}

/** Corrects an account's profile (P36): it counts at once. @throws AUTH_TOKEN_INVALID when the account is gone */
export function createProfileChanger({ sql: untyped, clock, changes, audit }: ProfileOptions) {
  const sql = untyped.withTables<AccountTables>();
  return async ({ accountId }: AccountIdentity, change: ProfileChange): Promise<AccountRow> => {
    const { name, timeZone, locale } = change;
    const fields = Object.entries({ name, timeZone, locale }).flatMap(([field, value]) =>
      value === undefined ? [] : field,
    );
    return await changes.commit(sql, [`account:${accountId}`], async (trx) => {
      const account = await accountStore.findById(trx, accountId);
      if (account === undefined) throw new AerostackError("AUTH_TOKEN_INVALID");
      if (fields.length === 0) return account;
      const changed = {
        name: name === undefined ? account.name : name,
        time_zone: timeZone === undefined ? account.time_zone : timeZone,
        locale: locale === undefined ? account.locale : locale,
        updated_at: clock.now(),
      };
      await trx.updateTable("accounts").set(changed).where("id", "=", accountId).execute();
      // Which, and not what: the log outlives the account.
      await audit.record(trx, {
        action: "account.profile_changed",
        target: { kind: "account", id: accountId },
        after: { fields },
      });
      return { ...account, ...changed };
    });
  };
}
