import { createHmac, randomInt } from "node:crypto";
import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import { equalsConstantTime } from "../kernel/crypto/token-hash.ts";
import type { Sql } from "../kernel/sql/index.ts";
import {
  type AttemptCounter,
  NO_ATTEMPTS,
  OTP_WINDOW_MS,
  oneMoreAttempt,
  refuseLocked,
  wrongCode,
} from "./attempt-lock.ts";
import type { Realm } from "./realm.ts";

/**
 * One-time codes of six digits. Three wrong ones within an hour lock the address or number for an hour, whatever code is
 * sent meanwhile. Wrong codes are counted per address and not per code, so that asking for another code gives no further
 * guesses; and in the database, so that neither a restart nor another server does.
 */
export interface OneTimeCodes {
  /** The new code; it replaces the one before. @throws RATE_LIMIT_EXCEEDED while the target is locked */
  create(realm: Realm, target: OtpTarget): Promise<string>;
  /** Resolves when the code is right; it is used up. @throws AUTH_OTP_INVALID · AUTH_OTP_EXPIRED · RATE_LIMIT_EXCEEDED */
  verify(realm: Realm, target: OtpTarget, code: string): Promise<void>;
  removeExpired(): Promise<void>;
}

/** An address or number, normalised. */
export type OtpTarget = { readonly email: string } | { readonly phone: string };

const MINUTE_MS = 60_000;
export const OTP_LIFETIME_MS = 10 * MINUTE_MS;
const CODES = 1_000_000;
const DIGITS = 6;

/** Columns of every table of codes, beside those of its realm; one row for each target. */
export interface OneTimeCodeRow extends AttemptCounter {
  /** HMAC of the address or number. */
  target: string;
  /** HMAC of the code that is valid; null: there is none. */
  code_hash: string | null;
  code_expires_at: number;
  /** When the row says nothing any more. */
  expires_at: number;
}

export interface OneTimeCodesOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  /** 32 bytes. There are only a million codes: whoever read the table without it would have tried them all in a second. */
  readonly key: Uint8Array;
  /** Its columns are those of `OneTimeCodeRow`, and the realm's; its key is the realm and the target. */
  readonly table: string;
}

interface Tables {
  codes: OneTimeCodeRow;
}

export function createOneTimeCodes({ sql: untyped, clock, key, ...options }: OneTimeCodesOptions): OneTimeCodes {
  const { db, transaction } = untyped.withTables<Tables>();
  // The type's name stands for the table's.
  const table = options.table as "codes";
  const mac = (...parts: readonly string[]): string =>
    createHmac("sha256", key).update(JSON.stringify(parts)).digest("hex");
  const targetOf = (target: OtpTarget): string =>
    "email" in target ? mac("email", target.email) : mac("phone", target.phone);
  const codeHashOf = (realm: Realm, target: string, code: string): string =>
    mac("code", ...Object.values(realm), target, code);
  const match = (realm: Realm, target: string) => ({ ...realm, target }) as Pick<OneTimeCodeRow, "target">;

  return {
    async create(realm, target) {
      const now = clock.now();
      const code = String(randomInt(CODES)).padStart(DIGITS, "0");
      const id = targetOf(target);
      await transaction(async (trx) => {
        const row = await trx
          .selectFrom(table)
          .selectAll()
          .where((eb) => eb.and(match(realm, id)))
          .executeTakeFirst();
        refuseLocked(row, now);
        const { failures, window_started_at, locked_until } = row ?? NO_ATTEMPTS;
        const fresh = { code_hash: codeHashOf(realm, id, code), code_expires_at: now + OTP_LIFETIME_MS };
        // Long enough for every attempt at this code: the window that it may begin, and the lock that may follow.
        const expires_at = now + OTP_LIFETIME_MS + 2 * OTP_WINDOW_MS;
        await trx
          .insertInto(table)
          .values({ ...realm, target: id, failures, window_started_at, locked_until, ...fresh, expires_at })
          .onConflict((conflict) =>
            conflict.columns([...(Object.keys(realm) as "target"[]), "target"]).doUpdateSet({ ...fresh, expires_at }),
          )
          .execute();
      });
      return code;
    },

    async verify(realm, target, code) {
      const now = clock.now();
      const id = targetOf(target);
      const counted = await db
        .updateTable(table)
        .set(oneMoreAttempt(now))
        .where((eb) => eb.and(match(realm, id)))
        .where("locked_until", "<=", now)
        .where("code_hash", "is not", null)
        .where("code_expires_at", ">", now)
        .returningAll()
        .executeTakeFirst();
      if (counted === undefined) {
        const row = await db
          .selectFrom(table)
          .selectAll()
          .where((eb) => eb.and(match(realm, id)))
          .executeTakeFirst();
        refuseLocked(row, now);
        throw new AerostackError("AUTH_OTP_EXPIRED");
      }
      const sent = codeHashOf(realm, id, code);
      const isLocked = counted.locked_until > now;
      const isRight = equalsConstantTime(counted.code_hash ?? "", sent);
      // Of two who come with the right code at once, one finds it.
      const spent =
        isRight || isLocked
          ? await db
              .updateTable(table)
              .set({ code_hash: null, ...(isRight ? NO_ATTEMPTS : {}) })
              .where((eb) => eb.and(match(realm, id)))
              .where("code_hash", "=", counted.code_hash)
              .returning("target")
              .executeTakeFirst()
          : undefined;
      if (!isRight) throw wrongCode(isLocked);
      if (spent === undefined) throw new AerostackError("AUTH_OTP_EXPIRED");
    },

    async removeExpired() {
      await db.deleteFrom(table).where("expires_at", "<=", clock.now()).execute();
    },
  };
}
