import { AerostackError } from "@aerostack/contracts";
import { type Clock, createId, randomText } from "@aerostack/kernel";
import type { PasswordHasher } from "../kernel/crypto/password-hash.ts";
import { hashToken } from "../kernel/crypto/token-hash.ts";
import { limitKeyOfAddress } from "../kernel/limiter/address-key.ts";
import type { Limiter, LimitPolicy } from "../kernel/limiter/limiter.ts";
import type { Sql } from "../kernel/sql/index.ts";
import { requireStrongPassword } from "./password-rule.ts";
import type { OpenedSession, Sessions } from "./sessions.ts";
import { type AccountRow, accountStore } from "./store.ts";
import type { AccountTables } from "./tables.ts";

/**
 * Responsible for who has an account and how they log in. Never keeps a password, only its hash, and never tells whether
 * an address has an account, but to whoever knows its password or registers it.
 */
export interface AccountService {
  /** @throws AUTH_PASSWORD_WEAK · AUTH_USER_EXISTS · FORBIDDEN when sign-up is closed or the person too young */
  register(input: NewAccount, clientAddress: string): Promise<OpenedSession>;
  /** @throws AUTH_INVALID_CREDENTIALS, after the same time for an unknown address as for a wrong password */
  login(email: string, password: string, clientAddress: string): Promise<LoginResult>;
  /** @throws AUTH_TOKEN_INVALID when the account is gone */
  require(accountId: string): Promise<AccountRow>;
  find(accountId: string): Promise<AccountRow | undefined>;
  /** Makes the set-up token that is printed at a start; undefined once an admin exists. */
  issueSetupToken(): Promise<string | undefined>;
  /** True once an admin exists. */
  isSetUp(): Promise<boolean>;
  /** The first account, an admin. @throws AUTH_SETUP_TOKEN_INVALID */
  setUp(token: string, input: NewAccount, clientAddress: string): Promise<OpenedSession>;
}

/** Tokens, or what the second step has to be begun with. */
export type LoginResult =
  | { readonly kind: "logged-in"; readonly session: OpenedSession }
  | { readonly kind: "mfa-required"; readonly challengeToken: string };

export interface NewAccount {
  /** Normalised. */
  readonly email: string;
  readonly password: string;
  readonly name?: string | undefined;
  /** False: said to be under 16. */
  readonly ageConfirmed: boolean;
}

const MINUTE_MS = 60_000;
const LOGIN_PER_ADDRESS: LimitPolicy = { limit: 10, windowMs: MINUTE_MS };
const LOGIN_PER_EMAIL: LimitPolicy = { limit: 5, windowMs: 15 * MINUTE_MS };
const REGISTER_PER_ADDRESS: LimitPolicy = { limit: 5, windowMs: MINUTE_MS };
const SETUP_TOKEN_CHARACTERS = 32;

export interface AccountServiceOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly hasher: PasswordHasher;
  readonly limiter: Limiter;
  readonly sessions: Sessions;
  /** What the second step of a log-in is begun with; null for an account that has none. */
  readonly challenge: (accountId: string) => Promise<string | null>;
  readonly signUp: "open" | "closed";
  /** An account was made. */
  readonly onCreated: (account: AccountRow) => void;
}

export function createAccountService(options: AccountServiceOptions): AccountService {
  const { clock, hasher, limiter, sessions, challenge, signUp, onCreated } = options;
  const sql = options.sql.withTables<AccountTables>();

  async function limit(key: string, policy: LimitPolicy): Promise<void> {
    const decision = await limiter.take(key, policy);
    if (decision.allowed) return;
    throw new AerostackError("RATE_LIMIT_EXCEEDED", {
      message: "Too many attempts.",
      fix: `Wait ${decision.retryAfterSeconds} seconds and try again.`,
      retryAfterSeconds: decision.retryAfterSeconds,
    });
  }

  async function newAccountRow(input: NewAccount, isAdmin: boolean): Promise<AccountRow> {
    requireStrongPassword(input.password);
    const now = clock.now();
    return {
      id: createId("usr", now),
      email: input.email,
      name: input.name ?? null,
      password_hash: await hasher.hash(input.password),
      is_admin: isAdmin ? 1 : 0,
      email_verified_at: null,
      created_at: now,
      updated_at: now,
    };
  }

  return {
    async register(input, clientAddress) {
      await limit(`register:address:${limitKeyOfAddress(clientAddress)}`, REGISTER_PER_ADDRESS);
      if (signUp === "closed") {
        throw new AerostackError("FORBIDDEN", {
          message: "This installation does not take new accounts.",
          fix: "Ask its operator for one.",
        });
      }
      if (!input.ageConfirmed) {
        throw new AerostackError("FORBIDDEN", {
          message: "Accounts are for people of 16 years or older.",
          fix: "Nothing of what was entered has been kept.",
        });
      }
      const row = await newAccountRow(input, false);
      const inserted = await sql.transaction((trx) => accountStore.insert(trx, row));
      if (!inserted) throw new AerostackError("AUTH_USER_EXISTS");
      onCreated(row);
      return await sessions.open(row);
    },

    async login(email, password, clientAddress) {
      await limit(`login:address:${limitKeyOfAddress(clientAddress)}`, LOGIN_PER_ADDRESS);
      await limit(`login:email:${email}`, LOGIN_PER_EMAIL);
      const account = await accountStore.findByEmail(sql.db, email);
      if (account === undefined) {
        await hasher.pretend(password);
        throw new AerostackError("AUTH_INVALID_CREDENTIALS");
      }
      const { valid, rehash } = await hasher.verify(password, account.password_hash);
      if (!valid) throw new AerostackError("AUTH_INVALID_CREDENTIALS");
      // Only where it is still the same: otherwise a password that was replaced meanwhile would come back.
      if (rehash) await accountStore.replacePasswordHash(sql.db, account, await hasher.hash(password), clock.now());
      const challengeToken = await challenge(account.id);
      if (challengeToken !== null) return { kind: "mfa-required", challengeToken };
      return { kind: "logged-in", session: await sessions.open(account) };
    },

    async require(accountId) {
      const account = await accountStore.findById(sql.db, accountId);
      if (account === undefined) throw new AerostackError("AUTH_TOKEN_INVALID");
      return account;
    },

    find: (accountId) => accountStore.findById(sql.db, accountId),

    async issueSetupToken() {
      const token = randomText(SETUP_TOKEN_CHARACTERS);
      return await sql.transaction(async (trx) => {
        if (await accountStore.adminExists(trx)) return undefined;
        await accountStore.replaceSetupToken(trx, hashToken(token), clock.now());
        return token;
      });
    },

    isSetUp: () => accountStore.adminExists(sql.db),

    async setUp(token, input, clientAddress) {
      await limit(`setup:address:${limitKeyOfAddress(clientAddress)}`, LOGIN_PER_ADDRESS);
      const row = await newAccountRow(input, true);
      await sql.transaction(async (trx) => {
        const taken = await accountStore.takeSetupToken(trx, hashToken(token));
        if (!taken || (await accountStore.adminExists(trx))) throw new AerostackError("AUTH_SETUP_TOKEN_INVALID");
        if (!(await accountStore.insert(trx, row))) throw new AerostackError("AUTH_USER_EXISTS");
      });
      onCreated(row);
      return await sessions.open(row);
    },
  };
}
