import { createHmac, randomInt } from "node:crypto";
import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Kysely } from "kysely";
import {
  afterFailure,
  NO_FAILURES,
  OTP_WINDOW_MS,
  refuseLocked,
  wrongCode,
} from "../../identity/codes/attempt-lock.ts";
import { equalsConstantTime } from "../../kernel/crypto/token-hash.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { EndUserTables } from "../tables.ts";

/**
 * One-time codes of six digits. Three wrong ones within an hour lock the address or number for an hour, whatever code is
 * sent meanwhile. Wrong codes are counted per address and not per code, so that asking for another code gives no further
 * guesses; and in the database, so that neither a restart nor another server does.
 */
export interface OtpCodes {
  /** The new code; it replaces the one before. @throws RATE_LIMIT_EXCEEDED while the target is locked */
  create(projectId: string, target: OtpTarget): Promise<string>;
  /** Resolves when the code is right; it is used up. @throws AUTH_OTP_INVALID · AUTH_OTP_EXPIRED · RATE_LIMIT_EXCEEDED */
  verify(projectId: string, target: OtpTarget, code: string): Promise<void>;
  removeExpired(): Promise<void>;
}

/** An address or number, normalised. */
export type OtpTarget = { readonly email: string } | { readonly phone: string };

const MINUTE_MS = 60_000;
export const OTP_LIFETIME_MS = 10 * MINUTE_MS;
const CODES = 1_000_000;
const DIGITS = 6;

type OtpRow = EndUserTables["end_user_otps"];

export interface OtpCodesOptions {
  readonly sql: Sql<EndUserTables>;
  readonly clock: Clock;
  /** 32 bytes. There are only a million codes: whoever read the table without it would have tried them all in a second. */
  readonly key: Uint8Array;
}

export function createOtpCodes({ sql, clock, key }: OtpCodesOptions): OtpCodes {
  const mac = (...parts: readonly string[]): string =>
    createHmac("sha256", key).update(JSON.stringify(parts)).digest("hex");
  const targetOf = (target: OtpTarget): string =>
    "email" in target ? mac("email", target.email) : mac("phone", target.phone);

  async function find(db: Kysely<EndUserTables>, projectId: string, target: string): Promise<OtpRow | undefined> {
    return await db
      .selectFrom("end_user_otps")
      .selectAll()
      .where("project_id", "=", projectId)
      .where("target", "=", target)
      .executeTakeFirst();
  }

  async function save(db: Kysely<EndUserTables>, row: OtpRow): Promise<void> {
    const { project_id, target, ...rest } = row;
    const expires_at = Math.max(row.code_expires_at, row.locked_until, row.window_started_at + OTP_WINDOW_MS);
    await db
      .insertInto("end_user_otps")
      .values({ project_id, target, ...rest, expires_at })
      .onConflict((conflict) => conflict.columns(["project_id", "target"]).doUpdateSet({ ...rest, expires_at }))
      .execute();
  }

  return {
    async create(projectId, target) {
      const now = clock.now();
      const code = String(randomInt(CODES)).padStart(DIGITS, "0");
      const id = targetOf(target);
      await sql.transaction(async (trx) => {
        const row = await find(trx, projectId, id);
        refuseLocked(row, now);
        await save(trx, {
          ...(row ?? { project_id: projectId, target: id, ...NO_FAILURES, locked_until: 0 }),
          code_hash: mac("code", projectId, id, code),
          code_expires_at: now + OTP_LIFETIME_MS,
          expires_at: 0,
        });
      });
      return code;
    },

    async verify(projectId, target, code) {
      const now = clock.now();
      const id = targetOf(target);
      const sent = mac("code", projectId, id, code);
      // Errors are thrown afterwards: inside, they would take back what was counted.
      const outcome = await sql.transaction(async (trx) => {
        const row = await find(trx, projectId, id);
        refuseLocked(row, now);
        if (row === undefined || row.code_hash === null || row.code_expires_at <= now) return "expired";
        if (equalsConstantTime(row.code_hash, sent)) {
          await save(trx, { ...row, ...NO_FAILURES, code_hash: null });
          return "right";
        }
        const { counter, isLocked } = afterFailure(row, now);
        await save(trx, { ...row, ...counter, ...(isLocked ? { code_hash: null } : {}) });
        return isLocked ? "locked" : "wrong";
      });
      if (outcome === "expired") throw new AerostackError("AUTH_OTP_EXPIRED");
      if (outcome !== "right") throw wrongCode(outcome === "locked");
    },

    async removeExpired() {
      await sql.db.deleteFrom("end_user_otps").where("expires_at", "<=", clock.now()).execute();
    },
  };
}
