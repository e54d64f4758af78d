import { CONSENT_PURPOSES, type ConsentPurpose } from "@aerostack/contracts";
import { type Clock, createId } from "@aerostack/kernel";
import type { Kysely, Selectable } from "kysely";
import type { Audit } from "../../audit/record.ts";
import { type Page, type PageRequest, toPage } from "../../kernel/page.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { AccountIdentity } from "../../keys/principal.ts";
import { requireSession } from "../require-session.ts";
import type { ConsentTables } from "./tables.ts";

export type ConsentRow = Selectable<ConsentTables["account_consents"]>;

/** Responsible for what accounts have agreed to beyond what the service needs (P14, P40). Nothing is, until they say so. */
export interface Consents {
  /** What counts now, for every purpose there is; null: nobody was ever asked, which is a no. */
  current(accountId: string): Promise<ReadonlyMap<ConsentPurpose, ConsentRow | null>>;
  history(accountId: string, page: PageRequest): Promise<Page<ConsentRow>>;
  /** Writes down a yes or no. Repeating what counts already adds nothing. @throws FORBIDDEN a yes by a key */
  set(identity: AccountIdentity, choice: ConsentChoice): Promise<void>;
  /** To be asked before each use. */
  isGranted(accountId: string, purpose: ConsentPurpose): Promise<boolean>;
}

export interface ConsentChoice {
  readonly purpose: ConsentPurpose;
  readonly granted: boolean;
  readonly version: string;
}

export function createConsents(options: {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly audit: Audit;
}): Consents {
  const { clock, audit } = options;
  const sql = options.sql.withTables<ConsentTables>();

  async function newest(db: Kysely<ConsentTables>, accountId: string, purpose: ConsentPurpose) {
    return await db
      .selectFrom("account_consents")
      .selectAll()
      .where("account_id", "=", accountId)
      .where("purpose", "=", purpose)
      .orderBy("id", "desc")
      .limit(1)
      .executeTakeFirst();
  }

  return {
    async current(accountId) {
      const found = new Map<ConsentPurpose, ConsentRow | null>();
      for (const purpose of CONSENT_PURPOSES) {
        found.set(purpose, (await newest(sql.db, accountId, purpose)) ?? null);
      }
      return found;
    },

    async history(accountId, { limit, cursor }) {
      let query = sql.db.selectFrom("account_consents").selectAll().where("account_id", "=", accountId);
      if (cursor !== undefined) query = query.where("id", "<", cursor);
      const rows = await query
        .orderBy("id", "desc")
        .limit(limit + 1)
        .execute();
      return toPage(rows, limit);
    },

    async set({ accountId, via }, { purpose, granted, version }) {
      // A no is taken from anywhere.
      if (granted) requireSession(via, "Consent is given");
      await sql.transaction(async (trx) => {
        const last = await newest(trx, accountId, purpose);
        if ((last?.granted ?? 0) === (granted ? 1 : 0) && (!granted || last?.version === version)) return;
        const now = clock.now();
        await trx
          .insertInto("account_consents")
          .values({
            id: createId("cns", now),
            account_id: accountId,
            purpose,
            granted: granted ? 1 : 0,
            version,
            source: via === "session" ? "account" : "api",
            created_at: now,
          })
          .execute();
        await audit.record(trx, {
          action: granted ? "consent.given" : "consent.withdrawn",
          target: { kind: "account", id: accountId },
          after: { purpose, version },
        });
      });
    },

    async isGranted(accountId, purpose) {
      return (await newest(sql.db, accountId, purpose))?.granted === 1;
    },
  };
}
