import { createHmac, randomInt } from "node:crypto";
import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import { sql as raw } from "kysely";
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
import type { AttemptOrigin } from "./known-networks.ts";
import type { Realm } from "./realm.ts";

/**
 * One-time codes of six digits. Three wrong ones within an hour lock the address or number for an hour, whatever code is
 * sent meanwhile. Wrong codes are counted per address and not per code, so that asking for another code gives no further
 * guesses; and in the database, so that neither a restart nor another server does.
 *
 * Each network that the owner is known to come from has a code and a counter of its own beside those for the rest of the
 * world: strangers neither lock the owner there nor put another code in the place of theirs. A code is taken wherever its
 * reader is when they type it; what counts the guess is where the guess comes from.
 */
export interface OneTimeCodes {
  /** The new code; it replaces the one before. @throws RATE_LIMIT_EXCEEDED while the target is locked */
  create(realm: Realm, target: OtpTarget, origin: AttemptOrigin): Promise<string>;
  /** Resolves when the code is right; it is used up. @throws AUTH_OTP_INVALID · AUTH_OTP_EXPIRED · RATE_LIMIT_EXCEEDED */
  verify(realm: Realm, target: OtpTarget, code: string, origin: AttemptOrigin): Promise<void>;
  removeExpired(): Promise<void>;
}

/** An address or number, normalised. */
export type OtpTarget = { readonly email: string } | { readonly phone: string };

const MINUTE_MS = 60_000;
export const OTP_LIFETIME_MS = 10 * MINUTE_MS;
const CODES = 1_000_000;
const DIGITS = 6;

/** Columns of every table of codes, beside those of its realm; one row for each target and known network. */
export interface OneTimeCodeRow extends AttemptCounter {
  /** HMAC of the address or number; and of the network, where it is one of the owner's. */
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
  const targetOf = (target: OtpTarget, network: string | null): string => {
    const parts = "email" in target ? ["email", target.email] : ["phone", target.phone];
    return network === null ? mac(...parts) : mac(...parts, network);
  };
  const codeHashOf = (realm: Realm, target: OtpTarget, code: string): string =>
    mac("code", ...Object.values(realm), targetOf(target, null), code);
  const match = (realm: Realm) => realm as Pick<OneTimeCodeRow, never>;
  const keyColumns = (realm: Realm) => [...(Object.keys(realm) as "target"[]), "target" as const];

  async function find(realm: Realm, targets: readonly string[]): Promise<readonly OneTimeCodeRow[]> {
    return await db
      .selectFrom(table)
      .selectAll()
      .where((eb) => eb.and(match(realm)))
      .where("target", "in", targets)
      .execute();
  }

  /**
   * Counts a guess before it is known whether it is right.
   *
   * @returns the counter with the code beside it @throws AUTH_OTP_EXPIRED, uncounted, when no code is left to guess ·
   * RATE_LIMIT_EXCEEDED
   */
  async function countAttempt(
    realm: Realm,
    own: string,
    all: readonly string[],
    nowMs: number,
  ): Promise<OneTimeCodeRow> {
    // The lock that this may be the last guess before, and the window before it.
    const expiry = nowMs + 2 * OTP_WINDOW_MS;
    const counted = await db
      .updateTable(table)
      .set({
        ...oneMoreAttempt(nowMs),
        expires_at: raw<number>`case when expires_at < ${expiry} then ${expiry} else expires_at end`,
      })
      .where((eb) => eb.and(match(realm)))
      .where("target", "=", own)
      .where("locked_until", "<=", nowMs)
      .where(({ or, and, eb, exists, selectFrom }) =>
        or([
          and([eb("code_hash", "is not", null), eb("code_expires_at", ">", nowMs)]),
          exists(
            selectFrom(`${table} as other`)
              .select("other.target")
              .where((other) => other.and(match(realm)))
              .where("other.target", "in", all)
              .where("other.target", "<>", own)
              .where("other.code_hash", "is not", null)
              .where("other.code_expires_at", ">", nowMs),
          ),
        ]),
      )
      .returningAll()
      .executeTakeFirst();
    if (counted !== undefined) return counted;
    refuseLocked((await find(realm, [own]))[0], nowMs);
    throw new AerostackError("AUTH_OTP_EXPIRED");
  }

  /** Of two who come with the right code at once, one finds it. */
  async function spend(realm: Realm, { target, code_hash }: OneTimeCodeRow): Promise<boolean> {
    const spent = await db
      .updateTable(table)
      .set({ code_hash: null })
      .where((eb) => eb.and(match(realm)))
      .where("target", "=", target)
      .where("code_hash", "=", code_hash)
      .returning("target")
      .executeTakeFirst();
    return spent !== undefined;
  }

  return {
    async create(realm, target, { network }) {
      const now = clock.now();
      const code = String(randomInt(CODES)).padStart(DIGITS, "0");
      const id = targetOf(target, network);
      await transaction(async (trx) => {
        const row = await trx
          .selectFrom(table)
          .selectAll()
          .where((eb) => eb.and(match(realm)))
          .where("target", "=", id)
          .executeTakeFirst();
        refuseLocked(row, now);
        const { failures, window_started_at, locked_until } = row ?? NO_ATTEMPTS;
        const fresh = { code_hash: codeHashOf(realm, target, code), code_expires_at: now + OTP_LIFETIME_MS };
        // Long enough for every attempt at this code: the window that it may begin, and the lock that may follow.
        const expires_at = now + OTP_LIFETIME_MS + 2 * OTP_WINDOW_MS;
        await trx
          .insertInto(table)
          .values({ ...realm, target: id, failures, window_started_at, locked_until, ...fresh, expires_at })
          .onConflict((conflict) => conflict.columns(keyColumns(realm)).doUpdateSet({ ...fresh, expires_at }))
          .execute();
      });
      return code;
    },

    async verify(realm, target, code, { network, known }) {
      const now = clock.now();
      const own = targetOf(target, network);
      const all = [null, ...known].map((one) => targetOf(target, one));
      const rows = await find(realm, all);
      // Who has not asked for a code from here has nothing to count in yet.
      if (rows.length > 0 && !rows.some((row) => row.target === own)) {
        const empty = { target: own, code_hash: null, code_expires_at: 0, expires_at: now + 2 * OTP_WINDOW_MS };
        await db
          .insertInto(table)
          .values({ ...realm, ...empty, ...NO_ATTEMPTS })
          .onConflict((conflict) => conflict.columns(keyColumns(realm)).doNothing())
          .execute();
      }
      const counted = await countAttempt(realm, own, all, now);
      const sent = codeHashOf(realm, target, code);
      const right = [counted, ...rows.filter((row) => row.target !== own)].filter(
        (row) => row.code_expires_at > now && equalsConstantTime(row.code_hash ?? "", sent),
      );
      const isLocked = counted.locked_until > now;
      if (right.length === 0) {
        if (isLocked) await spend(realm, counted);
        throw wrongCode(isLocked);
      }
      const isSpent = await Promise.all(right.map((row) => spend(realm, row)));
      if (!isSpent.includes(true)) throw new AerostackError("AUTH_OTP_EXPIRED");
      await db
        .updateTable(table)
        .set({ ...NO_ATTEMPTS })
        .where((eb) => eb.and(match(realm)))
        .where("target", "=", own)
        .execute();
    },

    async removeExpired() {
      await db.deleteFrom(table).where("expires_at", "<=", clock.now()).execute();
    },
  };
}
