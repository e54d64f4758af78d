import { randomBytes } from "node:crypto";
import { AerostackError, type SecondFactor } from "@aerostack/contracts";
import { type Clock, randomText } from "@aerostack/kernel";
import type { Kysely } from "kysely";
import { afterFailure, NO_FAILURES, refuseLocked, wrongCode } from "../../identity/codes/attempt-lock.ts";
import { matchTotp, otpauthUrl, TOTP_SECRET_BYTES, toBase32 } from "../../identity/totp/totp.ts";
import type { Envelope } from "../../kernel/crypto/envelope.ts";
import type { SealedColumn } from "../../kernel/crypto/sealed-columns.ts";
import { hashToken } from "../../kernel/crypto/token-hash.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { SettingsReader } from "../settings/settings.ts";
import type { EndUserTables } from "../tables.ts";
import type { EndUserRow } from "../users/store.ts";

/**
 * A user's authenticator app and recovery codes. As of codes that are sent: three wrong ones, then none for an hour. A code
 * is taken once.
 */
export interface SecondFactors {
  isActive(userId: string): Promise<boolean>;
  /** A new secret, which counts once a code of it was shown. @throws CONFLICT when there is one already */
  begin(user: EndUserRow, appName: string): Promise<{ readonly secret: string; readonly otpauthUrl: string }>;
  /** @returns recovery codes, which are not shown again @throws AUTH_OTP_INVALID · RATE_LIMIT_EXCEEDED · CONFLICT */
  confirm(userId: string, code: string): Promise<readonly string[]>;
  /** @throws AUTH_OTP_INVALID · RATE_LIMIT_EXCEEDED */
  verify(userId: string, factor: SecondFactor): Promise<void>;
  /** New recovery codes in place of those there are. @throws as `verify` */
  renewRecoveryCodes(userId: string, factor: SecondFactor): Promise<readonly string[]>;
  /** @throws as `verify` */
  remove(userId: string, factor: SecondFactor): Promise<void>;
  countRecoveryCodes(userId: string): Promise<number>;
}

const RECOVERY_CODES = 10;
/** 50 random bits each, in two groups: people type them. */
const RECOVERY_GROUP_CHARACTERS = 5;

type TotpRow = EndUserTables["end_user_totp"];
type Db = Kysely<EndUserTables>;

export interface SecondFactorsOptions {
  readonly sql: Sql<EndUserTables>;
  readonly clock: Clock;
  readonly envelope: Envelope;
  readonly settings: SettingsReader;
}

export function createSecondFactors({ sql, clock, envelope, settings }: SecondFactorsOptions): SecondFactors {
  async function find(db: Db, userId: string): Promise<TotpRow | undefined> {
    return await db.selectFrom("end_user_totp").selectAll().where("user_id", "=", userId).executeTakeFirst();
  }

  async function update(db: Db, userId: string, change: Partial<TotpRow>): Promise<void> {
    await db.updateTable("end_user_totp").set(change).where("user_id", "=", userId).execute();
  }

  async function isRight(trx: Db, row: TotpRow, factor: SecondFactor): Promise<boolean> {
    if (factor.recoveryCode !== undefined) {
      const used = await trx
        .deleteFrom("end_user_recovery_codes")
        .where("hash", "=", hashOf(row.user_id, factor.recoveryCode))
        .where("user_id", "=", row.user_id)
        .returning("hash")
        .executeTakeFirst();
      return used !== undefined;
    }
    const secret = Buffer.from(envelope.open(row.secret, contextOf(row.user_id)), "base64url");
    const step = matchTotp(secret, factor.code ?? "", clock.now(), row.last_step);
    if (step === null) return false;
    await update(trx, row.user_id, { last_step: step });
    return true;
  }

  /** Checks a factor and does `work` in the same transaction when it is right. */
  async function withFactor<Result>(
    userId: string,
    factor: SecondFactor,
    isExpected: (row: TotpRow) => boolean,
    work: (trx: Db) => Promise<Result>,
  ): Promise<Result> {
    const now = clock.now();
    // The refusal is thrown afterwards: inside, it would take back what was counted.
    const outcome = await sql.transaction(async (trx) => {
      const row = await find(trx, userId);
      if (row === undefined || !isExpected(row)) throw new AerostackError("CONFLICT", NOT_SET_UP);
      refuseLocked(row, now);
      if (await isRight(trx, row, factor)) {
        await update(trx, userId, NO_FAILURES);
        return { isRight: true as const, result: await work(trx) };
      }
      const { counter, isLocked } = afterFailure(row, now);
      await update(trx, userId, counter);
      return { isRight: false as const, isLocked };
    });
    if (outcome.isRight) return outcome.result;
    throw wrongCode(outcome.isLocked);
  }

  async function replaceRecoveryCodes(trx: Db, userId: string): Promise<readonly string[]> {
    const codes = Array.from({ length: RECOVERY_CODES }, () =>
      [randomText(RECOVERY_GROUP_CHARACTERS), randomText(RECOVERY_GROUP_CHARACTERS)].join("-"),
    );
    await trx.deleteFrom("end_user_recovery_codes").where("user_id", "=", userId).execute();
    await trx
      .insertInto("end_user_recovery_codes")
      .values(codes.map((code) => ({ hash: hashOf(userId, code), user_id: userId })))
      .execute();
    return codes;
  }

  const isConfirmed = (row: TotpRow): boolean => row.confirmed_at !== null;

  return {
    async isActive(userId) {
      const row = await find(sql.db, userId);
      return row !== undefined && isConfirmed(row);
    },

    async begin(user, appName) {
      if (!(await settings.of(user.project_id)).totp.enabled) throw new AerostackError("AUTH_METHOD_DISABLED");
      const secret = randomBytes(TOTP_SECRET_BYTES);
      const row: TotpRow = {
        user_id: user.id,
        project_id: user.project_id,
        secret: envelope.seal(secret.toString("base64url"), contextOf(user.id)),
        confirmed_at: null,
        last_step: 0,
        ...NO_FAILURES,
        locked_until: 0,
        created_at: clock.now(),
      };
      await sql.transaction(async (trx) => {
        const existing = await find(trx, user.id);
        if (existing !== undefined && isConfirmed(existing)) {
          throw new AerostackError("CONFLICT", {
            message: "The user has an authenticator already.",
            fix: "Remove it before you set up another.",
          });
        }
        // Who begins anew keeps the wrong guesses that were counted.
        const { failures, window_started_at, locked_until } = existing ?? row;
        await trx.deleteFrom("end_user_totp").where("user_id", "=", user.id).execute();
        await trx
          .insertInto("end_user_totp")
          .values({ ...row, failures, window_started_at, locked_until })
          .execute();
      });
      const account = user.email ?? user.phone ?? user.id;
      return { secret: toBase32(secret), otpauthUrl: otpauthUrl(secret, appName, account) };
    },

    confirm: (userId, code) =>
      withFactor(
        userId,
        { code },
        (row) => !isConfirmed(row),
        async (trx) => {
          await update(trx, userId, { confirmed_at: clock.now() });
          return await replaceRecoveryCodes(trx, userId);
        },
      ),
    verify: (userId, factor) => withFactor(userId, factor, isConfirmed, async () => undefined),
    renewRecoveryCodes: (userId, factor) =>
      withFactor(userId, factor, isConfirmed, (trx) => replaceRecoveryCodes(trx, userId)),
    remove: (userId, factor) =>
      withFactor(userId, factor, isConfirmed, async (trx) => {
        await trx.deleteFrom("end_user_totp").where("user_id", "=", userId).execute();
        await trx.deleteFrom("end_user_recovery_codes").where("user_id", "=", userId).execute();
      }),
    async countRecoveryCodes(userId) {
      const { count } = await sql.db
        .selectFrom("end_user_recovery_codes")
        .select((eb) => eb.fn.countAll<number>().as("count"))
        .where("user_id", "=", userId)
        .executeTakeFirstOrThrow();
      return Number(count);
    },
  };
}

const NOT_SET_UP = {
  message: "There is no authenticator that this could be said of.",
  fix: "Set one up by POST /me/totp, and confirm it.",
};

function hashOf(userId: string, code: string): string {
  return hashToken(`${userId}:${code.replace(/[\s-]/g, "")}`);
}

/** Where authenticators' secrets lie, for turning the master key over. */
export const endUserTotpSeal: SealedColumn = {
  table: "end_user_totp",
  key: ["user_id"],
  column: "secret",
  contextOf: ({ user_id: userId = "" }) => contextOf(userId),
};

function contextOf(userId: string): string {
  return `end-user-totp/${userId}`;
}
