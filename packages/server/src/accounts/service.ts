import { AerostackError } from "@aerostack/contracts";
import { type Clock, randomText } from "@aerostack/kernel";
import type { KnownNetworks } from "../identity/known-networks.ts";
import type { PasswordHasher } from "../kernel/crypto/password-hash.ts";
import { hashToken } from "../kernel/crypto/token-hash.ts";
import { limitKeyOfAddress } from "../kernel/limiter/address-key.ts";
import type { Limiter, LimitPolicy } from "../kernel/limiter/limiter.ts";
import { requireAllowed } from "../kernel/limiter/require-allowed.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { HumanCheck } from "./human-check.ts";
import type { LogInAs, LoginResult } from "./log-in-as.ts";
import { newAccountRow } from "./new-account-row.ts";
import type { RequireStrongPassword } from "./password-rule.ts";
import type { OpenedSession, Sessions } from "./sessions.ts";
import { requireAge, requireOpenSignUp } from "./sign-up-rules.ts";
import { type AccountRow, accountStore } from "./store.ts";
import type { AccountTables } from "./tables.ts";

/**
 * Responsible for who has an account and how they log in. Never keeps a password, only its hash, and never tells whether
 * an address has an account, but to whoever knows its password or registers it.
 */
export interface AccountService {
  /** @throws AUTH_CAPTCHA_FAILED · AUTH_PASSWORD_WEAK · AUTH_USER_EXISTS · FORBIDDEN when sign-up is closed or the person too young */
  register(input: NewAccount, clientAddress: string): Promise<OpenedSession>;
  /** @throws AUTH_CAPTCHA_FAILED · AUTH_INVALID_CREDENTIALS, after the same time for an unknown address as for a wrong password */
  login(input: LogIn, clientAddress: string): Promise<LoginResult>;
  /** @throws AUTH_TOKEN_INVALID when the account is gone */
  require(accountId: string): Promise<AccountRow>;
  find(accountId: string): Promise<AccountRow | undefined>;
  /** Makes the set-up token that is printed at a start; undefined once an admin exists. */
  issueSetupToken(): Promise<string | undefined>;
  /** True once an admin exists. */
  isSetUp(): Promise<boolean>;
  /** Ids of those who run the installation. */
  listAdmins(): Promise<readonly string[]>;
  /** The first account, an admin. @throws AUTH_SETUP_TOKEN_INVALID */
  setUp(token: string, input: NewAccount, clientAddress: string): Promise<OpenedSession>;
}

export interface NewAccount {
  /** Normalised. */
  readonly email: string;
  readonly password: string;
  readonly name?: string | undefined;
  /** False: said to be under 16. */
  readonly ageConfirmed: boolean;
  /** The solution of a challenge. */
  readonly turnstileToken?: string | undefined;
}

export interface LogIn {
  /** Normalised. */
  readonly email: string;
  readonly password: string;
  readonly turnstileToken?: string | undefined;
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
  /** For whoever proved to be the account's. */
  readonly logInAs: LogInAs;
  readonly signUp: "open" | "closed";
  readonly humanCheck: HumanCheck;
  /** Attempts from each are counted by themselves. */
  readonly knownNetworks: Pick<KnownNetworks, "originOf">;
  readonly requireStrongPassword: RequireStrongPassword;
  /** An account was made. */
  readonly onCreated: (account: AccountRow) => void;
  /** A wrong password was sent for it. */
  readonly onFailure: (accountId: string) => void;
}

export function createAccountService(options: AccountServiceOptions): AccountService {
  const {
    clock,
    hasher,
    limiter,
    sessions,
    logInAs,
    signUp,
    humanCheck,
    knownNetworks,
    requireStrongPassword,
    onCreated,
    onFailure,
  } = options;
  const sql = options.sql.withTables<AccountTables>();

  async function rowOf({ email, password, name }: NewAccount, isAdmin: boolean): Promise<AccountRow> {
    await requireStrongPassword(password, { email, name });
    const passwordHash = await hasher.hash(password);
    return newAccountRow({ email, name: name ?? null, passwordHash, isAdmin, isEmailVerified: false }, clock.now());
  }

  return {
    async register(input, clientAddress) {
      await requireAllowed(limiter, `register:address:${limitKeyOfAddress(clientAddress)}`, REGISTER_PER_ADDRESS);
      requireOpenSignUp(signUp);
      requireAge(input.ageConfirmed);
      await humanCheck.requireAtSignUp(input.turnstileToken);
      const row = await rowOf(input, false);
      const inserted = await sql.transaction((trx) => accountStore.insert(trx, row));
      if (!inserted) throw new AerostackError("AUTH_USER_EXISTS");
      onCreated(row);
      return await sessions.open(row);
    },

    async login({ email, password, turnstileToken }, clientAddress) {
      await requireAllowed(limiter, `login:address:${limitKeyOfAddress(clientAddress)}`, LOGIN_PER_ADDRESS);
      const account = await accountStore.findByEmail(sql.db, email);
      const { network } = await knownNetworks.originOf(account?.id ?? null, clientAddress);
      await requireAllowed(limiter, `login:email:${email}${network ?? ""}`, LOGIN_PER_EMAIL);
      await humanCheck.requireAtLogIn(email, turnstileToken);
      if (account === undefined) {
        await hasher.pretend(password);
        throw new AerostackError("AUTH_INVALID_CREDENTIALS");
      }
      const { valid, rehash } = await hasher.verify(password, account.password_hash);
      if (!valid) {
        onFailure(account.id);
        throw new AerostackError("AUTH_INVALID_CREDENTIALS");
      }
      // Only where it is still the same: otherwise a password that was replaced meanwhile would come back.
      const password_hash = rehash ? await hasher.hash(password) : account.password_hash;
      if (rehash) await accountStore.replacePasswordHash(sql.db, account, password_hash, clock.now());
      return await logInAs({ ...account, password_hash });
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
    listAdmins: () => accountStore.listAdmins(sql.db),

    async setUp(token, input, clientAddress) {
      await requireAllowed(limiter, `setup:address:${limitKeyOfAddress(clientAddress)}`, LOGIN_PER_ADDRESS);
      const row = await rowOf(input, true);
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
