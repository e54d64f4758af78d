import type { KnownNetworks } from "../../../identity/known-networks.ts";
import { type OneTimeCodes, OTP_LIFETIME_MS } from "../../../identity/one-time-codes.ts";
import type { Background } from "../../../kernel/background.ts";
import { currentCallContext } from "../../../kernel/call-context.ts";
import { limitKeyOfAddress } from "../../../kernel/limiter/address-key.ts";
import type { Limiter, LimitPolicy } from "../../../kernel/limiter/limiter.ts";
import { requireAllowed } from "../../../kernel/limiter/require-allowed.ts";
import type { Sql } from "../../../kernel/sql/index.ts";
import type { Notices } from "../../../notices/service.ts";
import { type AccountRow, accountStore } from "../../store.ts";
import type { AccountTables } from "../../tables.ts";

/**
 * Codes of six digits by mail, for accounts whose address was verified. Whoever has yet to verify theirs gets the link for
 * that instead: a code would log them in to what somebody else may have registered.
 */
export interface AccountCodes {
  /** The answer and its time are the same where there is no account. @throws RATE_LIMIT_EXCEEDED */
  send(email: string, clientAddress: string): Promise<void>;
  /** The account whose code it is; it is used up. @throws AUTH_OTP_INVALID · AUTH_OTP_EXPIRED · RATE_LIMIT_EXCEEDED */
  verify(email: string, code: string, clientAddress: string): Promise<AccountRow | undefined>;
}

const MINUTE_MS = 60_000;
const SENDS_PER_EMAIL: LimitPolicy = { limit: 3, windowMs: 15 * MINUTE_MS };
const PER_ADDRESS: LimitPolicy = { limit: 30, windowMs: MINUTE_MS };
/** An installation has one realm of accounts. */
const REALM = {};

export interface AccountCodesOptions {
  readonly sql: Sql<unknown>;
  readonly limiter: Limiter;
  readonly codes: OneTimeCodes;
  readonly knownNetworks: Pick<KnownNetworks, "originOf">;
  readonly notices: Pick<Notices, "sendMail">;
  readonly background: Background;
  /** Mails the link by which an address is verified. */
  readonly beginVerification: (account: AccountRow) => void;
}

export function createAccountCodes(options: AccountCodesOptions): AccountCodes {
  const { limiter, codes, knownNetworks, notices, background, beginVerification } = options;
  const sql = options.sql.withTables<AccountTables>();
  const minutes = OTP_LIFETIME_MS / MINUTE_MS;

  async function originOf(account: AccountRow | undefined) {
    return await knownNetworks.originOf(account?.id ?? null, currentCallContext()?.ip ?? null);
  }

  return {
    async send(email, clientAddress) {
      await requireAllowed(limiter, `code-send:address:${limitKeyOfAddress(clientAddress)}`, PER_ADDRESS);
      await requireAllowed(limiter, `code-send:email:${email}`, SENDS_PER_EMAIL);
      const account = await accountStore.findByEmail(sql.db, email);
      const code = await codes.create(REALM, { email }, await originOf(account));
      background.run("a code by mail", async () => {
        if (account === undefined) return;
        if (account.email_verified_at === null) beginVerification(account);
        else await notices.sendMail({ to: email, template: "otp", data: { code, minutes } });
      });
    },

    async verify(email, code, clientAddress) {
      await requireAllowed(limiter, `code-verify:address:${limitKeyOfAddress(clientAddress)}`, PER_ADDRESS);
      const account = await accountStore.findByEmail(sql.db, email);
      await codes.verify(REALM, { email }, code, await originOf(account));
      return account?.email_verified_at == null ? undefined : account;
    },
  };
}
