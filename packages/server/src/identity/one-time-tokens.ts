import { AerostackError, type ErrorCode } from "@aerostack/contracts";
import { type Clock, randomText } from "@aerostack/kernel";
import type { Kysely } from "kysely";
import { hashToken } from "../kernel/crypto/token-hash.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { Realm } from "./realm.ts";

/** Random texts that somebody holds; each works once. Stored as SHA-256. */
export interface OneTimeTokens<Kind extends string> {
  create(kind: Kind, input: NewToken): Promise<string>;
  /** What the token stands for; it stays usable. @throws the error of its kind */
  find(kind: Kind, realm: Realm, token: string): Promise<TakenToken>;
  /** The same; it is used up. Of two who take it at once one gets it. @throws the error of its kind */
  take<Tables>(db: Kysely<Tables>, kind: Kind, realm: Realm, token: string): Promise<TakenToken>;
  /** Those of somebody that lie unused in a mailbox. */
  removeOf<Tables>(db: Kysely<Tables>, userId: string, kind: Kind): Promise<void>;
  removeExpired(): Promise<void>;
}

export interface NewToken {
  readonly realm: Realm;
  readonly userId: string | null;
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface TakenToken {
  readonly userId: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface TokenKindFacts {
  readonly prefix: string;
  readonly lifetimeMs: number;
  readonly error: ErrorCode;
}

/** Columns of every table of such tokens, beside those of its realm. */
export interface OneTimeTokenRow {
  /** SHA-256. */
  hash: string;
  user_id: string | null;
  kind: string;
  /** JSON. */
  data: string;
  created_at: number;
  expires_at: number;
}

/** 250 random bits. */
const RANDOM_CHARACTERS = 50;

export interface OneTimeTokensOptions<Kind extends string> {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  /** Its columns are those of `OneTimeTokenRow`, and the realm's. */
  readonly table: string;
  readonly kinds: Readonly<Record<Kind, TokenKindFacts>>;
}

interface Tables {
  tokens: OneTimeTokenRow;
}

export function createOneTimeTokens<Kind extends string>(options: OneTimeTokensOptions<Kind>): OneTimeTokens<Kind> {
  const { clock, kinds } = options;
  const { db } = options.sql.withTables<Tables>();
  // The type's name stands for the table's.
  const table = options.table as "tokens";

  function read(row: OneTimeTokenRow | undefined, kind: Kind): TakenToken {
    if (row === undefined || row.expires_at <= clock.now()) {
      throw new AerostackError(kinds[kind].error, {
        message: "This link is not valid any more.",
        fix: "Ask for a new one; each works once and for a limited time.",
      });
    }
    return { userId: row.user_id, data: JSON.parse(row.data) };
  }

  const match = (kind: Kind, realm: Realm, token: string) =>
    ({ ...realm, hash: hashToken(token), kind }) as Pick<OneTimeTokenRow, "hash" | "kind">;

  return {
    async create(kind, { realm, userId, data = {} }) {
      const now = clock.now();
      const { prefix, lifetimeMs } = kinds[kind];
      const token = `${prefix}_${randomText(RANDOM_CHARACTERS)}`;
      const row: OneTimeTokenRow = {
        ...realm,
        hash: hashToken(token),
        user_id: userId,
        kind,
        data: JSON.stringify(data),
        created_at: now,
        expires_at: now + lifetimeMs,
      };
      await db.insertInto(table).values(row).execute();
      return token;
    },

    async find(kind, realm, token) {
      const row = await db
        .selectFrom(table)
        .selectAll()
        .where((eb) => eb.and(match(kind, realm, token)))
        .executeTakeFirst();
      return read(row, kind);
    },

    async take(anyDb, kind, realm, token) {
      const row = await (anyDb as unknown as Kysely<Tables>)
        .deleteFrom(table)
        .where((eb) => eb.and(match(kind, realm, token)))
        .returningAll()
        .executeTakeFirst();
      return read(row, kind);
    },

    async removeOf(anyDb, userId, kind) {
      await (anyDb as unknown as Kysely<Tables>)
        .deleteFrom(table)
        .where("user_id", "=", userId)
        .where("kind", "=", kind)
        .execute();
    },

    async removeExpired() {
      await db.deleteFrom(table).where("expires_at", "<=", clock.now()).execute();
    },
  };
}
