import { createHmac, randomBytes } from "node:crypto";
import { AerostackError, type SecondFactor } from "@aerostack/contracts";
import { type Clock, randomText } from "@aerostack/kernel";
import type { Kysely } from "kysely";
import { currentCallContext } from "../../kernel/call-context.ts";
import type { Envelope } from "../../kernel/crypto/envelope.ts";
import type { SealedColumn } from "../../kernel/crypto/sealed-columns.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import { type AttemptCounter, NO_ATTEMPTS, refuseLocked, wrongCode } from "../attempt-lock.ts";
import type { KnownNetworks } from "../known-networks.ts";
import type { Realm } from "../realm.ts";
import { matchTotp, otpauthUrl, TOTP_SECRET_BYTES, toBase32 } from "./totp.ts";
import { createTotpStore, type TotpRow, type TotpTables } from "./totp-store.ts";

/**
 * Somebody's authenticator app and recovery codes. As of codes that are sent: three wrong ones, then none for an hour. A
 * code is taken once, a recovery code too, and what a right one lets somebody do happens in the same transaction.
 */
export interface SecondFactors {
  isActive(userId: string): Promise<boolean>;
  /** A new secret, which counts once a code of it was shown. @throws CONFLICT when there is one already */
  begin(subject: TotpSubject): Promise<{ readonly secret: string; readonly otpauthUrl: string }>;
  /** @returns recovery codes, which are not shown again @throws AUTH_OTP_INVALID · RATE_LIMIT_EXCEEDED · CONFLICT */
  confirm(userId: string, code: string): Promise<readonly string[]>;
  /** @throws AUTH_OTP_INVALID · RATE_LIMIT_EXCEEDED · CONFLICT when there is nothing to verify */
  verify(userId: string, factor: SecondFactor): Promise<void>;
  /** New recovery codes in place of those there are. @throws as `verify` */
  renewRecoveryCodes(userId: string, factor: SecondFactor): Promise<readonly string[]>;
  /** @throws as `verify` */
  remove(userId: string, factor: SecondFactor): Promise<void>;
  countRecoveryCodes(userId: string): Promise<number>;
}

export interface TotpSubject {
  readonly realm: Realm;
  readonly userId: string;
  /** What the authenticator app shows: whose code it is, and for what. */
  readonly label: string;
  readonly issuer: string;
}

const RECOVERY_CODES = 10;
/** 50 random bits each, in two groups: people type them. */
const RECOVERY_GROUP_CHARACTERS = 5;

export interface SecondFactorsOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly envelope: Envelope;
  readonly place: TotpPlace;
  /** 32 bytes. Recovery codes are short: whoever read the table without it could try all of them out. */
  readonly recoveryKey: Uint8Array;
  readonly knownNetworks: Pick<KnownNetworks, "originOf" | "countAttempt" | "findCounter" | "forgiveAttempts">;
  /** Called in the transaction of each change: it stays with what this writes, or not at all. */
  readonly onChange?: (trx: Kysely<TotpTables>, userId: string, change: TotpChange) => Promise<void>;
}

export type TotpChange = "enabled" | "disabled" | "recovery_codes_renewed" | "recovery_code_used";

/** Where the authenticators of some kind of people lie. */
export interface TotpPlace {
  readonly tables: Readonly<Record<keyof TotpTables, string>>;
  /** What the secrets' seals are bound to. */
  readonly sealContext: string;
}

export function createSecondFactors(options: SecondFactorsOptions): SecondFactors {
  const { clock, envelope, knownNetworks, recoveryKey, onChange = async () => {} } = options;
  const { tables, sealContext } = options.place;
  const sql = options.sql.withTables<TotpTables>();
  const store = createTotpStore(tables);

  async function take(trx: Kysely<TotpTables>, row: TotpRow, factor: SecondFactor, nowMs: number): Promise<boolean> {
    const { user_id: userId } = row;
    if (factor.recoveryCode !== undefined) {
      return await store.takeRecoveryCode(trx, userId, hashOf(recoveryKey, userId, factor.recoveryCode));
    }
    const secret = Buffer.from(envelope.open(row.secret, contextOf(sealContext, userId)), "base64url");
    const step = matchTotp(secret, factor.code ?? "", nowMs, row.last_step);
    return step !== null && (await store.takeStep(trx, userId, step));
  }

  async function requireState(
    db: Kysely<TotpTables>,
    userId: string,
    expected: "confirmed" | "unconfirmed",
  ): Promise<TotpRow> {
    const row = await store.find(db, userId);
    if (row === undefined || stateOf(row) !== expected) throw new AerostackError("CONFLICT", NOT_SET_UP);
    return row;
  }

  /** @throws RATE_LIMIT_EXCEEDED while guesses from there are locked */
  async function countAttempt(userId: string, network: string | null, nowMs: number): Promise<AttemptCounter> {
    const counted =
      network === null
        ? await store.countAttempt(sql.db, userId, nowMs)
        : await knownNetworks.countAttempt(userId, network, nowMs);
    if (counted !== undefined) return counted;
    const counter =
      network === null ? await store.find(sql.db, userId) : await knownNetworks.findCounter(userId, network);
    refuseLocked(counter, nowMs);
    throw new AerostackError("CONFLICT", NOT_SET_UP);
  }

  /** Checks a factor and does `work` in the same transaction when it is right. */
  async function withFactor<Result>(
    userId: string,
    factor: SecondFactor,
    expected: "confirmed" | "unconfirmed",
    work: (trx: Kysely<TotpTables>) => Promise<Result>,
  ): Promise<Result> {
    const now = clock.now();
    await requireState(sql.db, userId, expected);
    const { network } = await knownNetworks.originOf(userId, currentCallContext()?.ip ?? null);
    // By itself, before the check: what was counted stays counted whatever happens afterwards.
    const counted = await countAttempt(userId, network, now);
    const outcome = await sql.transaction(async (trx) => {
      const row = await requireState(trx, userId, expected);
      if (!(await take(trx, row, factor, now))) return { isRight: false as const };
      if (network === null) await store.forgiveAttempts(trx, userId);
      else await knownNetworks.forgiveAttempts(trx, userId, network);
      if (factor.recoveryCode !== undefined) await onChange(trx, userId, "recovery_code_used");
      return { isRight: true as const, result: await work(trx) };
    });
    if (outcome.isRight) return outcome.result;
    throw wrongCode(counted.locked_until > now);
  }

  async function replaceRecoveryCodes(trx: Kysely<TotpTables>, userId: string): Promise<readonly string[]> {
    const codes = Array.from({ length: RECOVERY_CODES }, () =>
      [randomText(RECOVERY_GROUP_CHARACTERS), randomText(RECOVERY_GROUP_CHARACTERS)].join("-"),
    );
    await store.replaceRecoveryCodes(
      trx,
      userId,
      codes.map((code) => hashOf(recoveryKey, userId, code)),
    );
    return codes;
  }

  return {
    async isActive(userId) {
      const row = await store.find(sql.db, userId);
      return row !== undefined && stateOf(row) === "confirmed";
    },

    async begin({ realm, userId, label, issuer }) {
      const secret = randomBytes(TOTP_SECRET_BYTES);
      await sql.transaction(async (trx) => {
        const existing = await store.find(trx, userId);
        if (existing !== undefined && stateOf(existing) === "confirmed") {
          throw new AerostackError("CONFLICT", {
            message: "There is an authenticator already.",
            fix: "Remove it before you set up another.",
          });
        }
        const row: TotpRow = {
          user_id: userId,
          secret: envelope.seal(secret.toString("base64url"), contextOf(sealContext, userId)),
          confirmed_at: null,
          last_step: 0,
          ...NO_ATTEMPTS,
          created_at: clock.now(),
        };
        // Who begins anew keeps the wrong guesses that were counted.
        const { failures, window_started_at, locked_until } = existing ?? row;
        await store.replace(trx, { ...row, failures, window_started_at, locked_until }, realm);
      });
      return { secret: toBase32(secret), otpauthUrl: otpauthUrl(secret, issuer, label) };
    },

    confirm: (userId, code) =>
      withFactor(userId, { code }, "unconfirmed", async (trx) => {
        await store.confirm(trx, userId, clock.now());
        await onChange(trx, userId, "enabled");
        return await replaceRecoveryCodes(trx, userId);
      }),
    verify: (userId, factor) => withFactor(userId, factor, "confirmed", async () => undefined),
    renewRecoveryCodes: (userId, factor) =>
      withFactor(userId, factor, "confirmed", async (trx) => {
        await onChange(trx, userId, "recovery_codes_renewed");
        return await replaceRecoveryCodes(trx, userId);
      }),
    remove: (userId, factor) =>
      withFactor(userId, factor, "confirmed", async (trx) => {
        await store.remove(trx, userId);
        await onChange(trx, userId, "disabled");
      }),
    countRecoveryCodes: (userId) => store.countRecoveryCodes(sql.db, userId),
  };
}

const NOT_SET_UP = {
  message: "There is no authenticator that this could be said of.",
  fix: "Set one up, and confirm it by its first code.",
};

function stateOf(row: TotpRow): "confirmed" | "unconfirmed" {
  return row.confirmed_at === null ? "unconfirmed" : "confirmed";
}

function hashOf(key: Uint8Array, userId: string, code: string): string {
  return createHmac("sha256", key)
    .update(`${userId}:${code.replace(/[\s-]/g, "")}`)
    .digest("hex");
}

/** Where authenticators' secrets lie, for turning the master key over. */
export function totpSealOf({ tables, sealContext }: TotpPlace): SealedColumn {
  return {
    table: tables.totp,
    key: ["user_id"],
    column: "secret",
    contextOf: ({ user_id: userId = "" }) => contextOf(sealContext, userId),
  };
}

function contextOf(sealContext: string, userId: string): string {
  return `${sealContext}/${userId}`;
}
