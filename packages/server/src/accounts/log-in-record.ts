import type { Clock } from "@aerostack/kernel";
import type { Kysely } from "kysely";
import type { Audit } from "../audit/record.ts";
import type { Background } from "../kernel/background.ts";
import { currentCallContext } from "../kernel/call-context.ts";
import { networkOfAddress } from "../kernel/limiter/address-key.ts";
import type { Sql } from "../kernel/sql/index.ts";
import { deviceName } from "./device-name.ts";
import type { AccountTables } from "./tables.ts";

/**
 * Writes log-ins to the audit log. The log outlives the account: an entry has the network and the kind of program, by which
 * its owner knows the log-in, and neither the address nor what the program says of itself.
 */
export interface LogInRecord {
  /** In the transaction that opens the session. */
  opened<Tables>(trx: Kysely<Tables>, accountId: string, sessionId: string): Promise<void>;
  /** A wrong password, counted while the caller goes on: whether an address has an account is not told by the time. */
  failed(accountId: string): void;
  /** One entry for each account and hour that has ended, so that a flood of guesses is none of the log. */
  flushFailures(): Promise<void>;
}

const HOUR_MS = 60 * 60_000;
const IMPERSONAL = { region: null, userAgent: null } as const;

export function createLogInRecord(options: {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly background: Background;
}): LogInRecord {
  const { clock, audit, background } = options;
  const sql = options.sql.withTables<AccountTables>();

  return {
    async opened(trx, accountId, sessionId) {
      const call = currentCallContext();
      const ip = call?.ip ?? null;
      await audit.record(trx, {
        actor: { kind: "account", id: accountId, credentialId: sessionId },
        action: "session.opened",
        target: { kind: "account", id: accountId },
        ...IMPERSONAL,
        ip: ip === null ? null : networkOfAddress(ip),
        after: { device: deviceName(call?.userAgent ?? null) },
      });
    },

    failed(accountId) {
      const hour = Math.floor(clock.now() / HOUR_MS) * HOUR_MS;
      background.run("counting a log-in that failed", async () => {
        await sql.db
          .insertInto("account_login_failures")
          .values({ account_id: accountId, hour, failures: 1 })
          .onConflict((conflict) =>
            conflict
              .columns(["account_id", "hour"])
              .doUpdateSet((eb) => ({ failures: eb("account_login_failures.failures", "+", 1) })),
          )
          .execute();
      });
    },

    async flushFailures() {
      const thisHour = Math.floor(clock.now() / HOUR_MS) * HOUR_MS;
      await sql.transaction(async (trx) => {
        const ended = await trx
          .deleteFrom("account_login_failures")
          .where("hour", "<", thisHour)
          .returningAll()
          .execute();
        for (const { account_id, hour, failures } of ended) {
          await audit.record(trx, {
            actor: { kind: "system", id: null },
            action: "session.log_in_failed",
            target: { kind: "account", id: account_id },
            ...IMPERSONAL,
            ip: null,
            after: { failures: Number(failures), hour: new Date(hour).toISOString() },
          });
        }
      });
    },
  };
}
