import { AerostackError, type AgeReportStatus } from "@aerostack/contracts";
import { type Clock, createId } from "@aerostack/kernel";
import type { Selectable } from "kysely";
import type { Audit } from "../../audit/record.ts";
import { hashToken } from "../../kernel/crypto/token-hash.ts";
import { limitKeyOfAddress } from "../../kernel/limiter/address-key.ts";
import type { Limiter, LimitPolicy } from "../../kernel/limiter/limiter.ts";
import { requireAllowed } from "../../kernel/limiter/require-allowed.ts";
import { type Page, type PageRequest, toPage } from "../../kernel/page.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { AccountClosing } from "../closing/account-closing.ts";
import { accountStore } from "../store.ts";
import type { AccountTables } from "../tables.ts";
import type { AgeReportTables } from "./tables.ts";

export type AgeReportRow = Selectable<AgeReportTables["age_reports"]>;

/** Responsible for reports that an account belongs to somebody under 16 (P42): each is kept until an operator decides. */
export interface AgeReports {
  /** By anybody. The same whether the address has an account or not; while a report of it is open, another adds nothing. */
  report(
    report: { readonly email: string; readonly statement?: string | undefined },
    clientAddress: string,
  ): Promise<void>;
  /** Newest first, with the account where there is one. */
  list(
    request: PageRequest & { readonly status?: AgeReportStatus | undefined },
  ): Promise<Page<AgeReportRow & { readonly accountId: string | null }>>;
  /**
   * Upheld: the account is closed at once and deleted. Either way the report forgets whom it was about.
   *
   * @throws NOT_FOUND · CONFLICT when it is decided already, or the account has the admin right
   */
  decide(operatorId: string, reportId: string, upheld: boolean): Promise<void>;
}

const MINUTE_MS = 60_000;
const PER_ADDRESS: LimitPolicy = { limit: 5, windowMs: 10 * MINUTE_MS };
const PER_EMAIL: LimitPolicy = { limit: 3, windowMs: 60 * MINUTE_MS };

export function createAgeReports(options: {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly limiter: Limiter;
  readonly audit: Audit;
  readonly closing: Pick<AccountClosing, "endNow" | "finishEnding">;
}): AgeReports {
  const { clock, limiter, audit, closing } = options;
  const sql = options.sql.withTables<AgeReportTables & AccountTables>();

  return {
    async report({ email, statement = null }, clientAddress) {
      await requireAllowed(limiter, `age-report:address:${limitKeyOfAddress(clientAddress)}`, PER_ADDRESS);
      await requireAllowed(limiter, `age-report:email:${hashToken(email)}`, PER_EMAIL);
      await sql.transaction(async (trx) => {
        const open = await trx
          .selectFrom("age_reports")
          .select("id")
          .where("email", "=", email)
          .where("status", "=", "open")
          .executeTakeFirst();
        if (open !== undefined) return;
        const now = clock.now();
        const id = createId("agr", now);
        await trx
          .insertInto("age_reports")
          .values({ id, email, statement, status: "open", created_at: now, decided_at: null, decided_by: null })
          .execute();
        await audit.record(trx, { action: "age_report.received", target: { kind: "age_report", id } });
      });
    },

    async list({ limit, cursor, status }) {
      let query = sql.db
        .selectFrom("age_reports")
        .leftJoin("accounts", "accounts.email", "age_reports.email")
        .selectAll("age_reports")
        .select("accounts.id as accountId");
      if (status !== undefined) query = query.where("age_reports.status", "=", status);
      if (cursor !== undefined) query = query.where("age_reports.id", "<", cursor);
      const rows = await query
        .orderBy("age_reports.id", "desc")
        .limit(limit + 1)
        .execute();
      return toPage(rows, limit);
    },

    async decide(operatorId, id, upheld) {
      const accountId = await sql.transaction(async (trx) => {
        const report = await trx.selectFrom("age_reports").selectAll().where("id", "=", id).executeTakeFirst();
        if (report === undefined) throw new AerostackError("NOT_FOUND", { message: "There is no such report." });
        if (report.status !== "open")
          throw new AerostackError("CONFLICT", { message: "This report is decided already." });
        const account = report.email === null ? undefined : await accountStore.findByEmail(trx, report.email);
        if (upheld && account?.is_admin === 1) {
          throw new AerostackError("CONFLICT", {
            message: "The account has the admin right.",
            fix: "Take it away first.",
          });
        }
        await trx
          .updateTable("age_reports")
          .set({
            email: null,
            statement: null,
            status: upheld ? "upheld" : "dismissed",
            decided_at: clock.now(),
            decided_by: operatorId,
          })
          .where("id", "=", id)
          .execute();
        await audit.record(trx, {
          action: upheld ? "age_report.upheld" : "age_report.dismissed",
          target: { kind: "age_report", id },
        });
        // In the same transaction as the decision: a crash leaves no upheld report whose account stays open.
        if (upheld && account !== undefined) await closing.endNow(trx, account.id);
        return upheld ? account?.id : undefined;
      });
      if (accountId !== undefined) await closing.finishEnding(accountId);
    },
  };
}
