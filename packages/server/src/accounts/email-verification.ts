import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Audit } from "../audit/record.ts";
import type { Background } from "../kernel/background.ts";
import { limitKeyOfAddress } from "../kernel/limiter/address-key.ts";
import type { Limiter, LimitPolicy } from "../kernel/limiter/limiter.ts";
import { requireAllowed } from "../kernel/limiter/require-allowed.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { Notices } from "../notices/service.ts";
import { ACCOUNT_TOKEN_KINDS, type AccountTokens, linkWithToken } from "./account-tokens.ts";
import { type AccountRow, accountStore } from "./store.ts";
import type { AccountTables } from "./tables.ts";

/** Finds out whether whoever has an account reads the mail of its address. */
export interface EmailVerification {
  /** Mails the link to a new account, while the caller goes on. Nothing where nobody can send mail. */
  begin(account: AccountRow): void;
  /** Mails another link where there is an account to verify; the answer and its time are the same where there is none. */
  resend(email: string, clientAddress: string): Promise<void>;
  /** @throws AUTH_TOKEN_INVALID */
  verify(token: string, clientAddress: string): Promise<void>;
}

const MINUTE_MS = 60_000;
const RESENDS_PER_EMAIL: LimitPolicy = { limit: 3, windowMs: MINUTE_MS };
const PER_ADDRESS: LimitPolicy = { limit: 10, windowMs: MINUTE_MS };

export interface EmailVerificationOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly limiter: Limiter;
  readonly audit: Audit;
  readonly notices: Notices;
  readonly background: Background;
  readonly tokens: AccountTokens;
  readonly origin: () => string;
  readonly canSendMail: boolean;
}

export function createEmailVerification(options: EmailVerificationOptions): EmailVerification {
  const { clock, limiter, audit, notices, background, tokens, origin, canSendMail } = options;
  const sql = options.sql.withTables<AccountTables>();

  async function mailLink({ id, email }: AccountRow): Promise<void> {
    const token = await tokens.create("verify-email", { realm: {}, userId: id, data: { email } });
    const link = linkWithToken(origin(), "/verify-email", token);
    const hours = ACCOUNT_TOKEN_KINDS["verify-email"].lifetimeMs / (60 * MINUTE_MS);
    await notices.sendMail({ to: email, template: "verify-email", data: { link, hours } });
  }

  return {
    begin(account) {
      if (canSendMail) background.run("a mail to verify an address", () => mailLink(account));
    },

    async resend(email, clientAddress) {
      await requireAllowed(limiter, `verify-resend:address:${limitKeyOfAddress(clientAddress)}`, PER_ADDRESS);
      await requireAllowed(limiter, `verify-resend:email:${email}`, RESENDS_PER_EMAIL);
      background.run("another mail to verify an address", async () => {
        const account = await accountStore.findByEmail(sql.db, email);
        if (account !== undefined && account.email_verified_at === null) await mailLink(account);
      });
    },

    async verify(token, clientAddress) {
      await requireAllowed(limiter, `verify-email:address:${limitKeyOfAddress(clientAddress)}`, PER_ADDRESS);
      await sql.transaction(async (trx) => {
        const { userId, data } = await tokens.take(trx, "verify-email", {}, token);
        const account = userId === null ? undefined : await accountStore.findById(trx, userId);
        // The link proves that its holder reads the mail of the address that it went to, and of no other.
        if (account === undefined || account.email !== data.email) throw new AerostackError("AUTH_TOKEN_INVALID");
        const { id } = account;
        await tokens.removeOf(trx, id, "verify-email");
        if (!(await accountStore.markEmailVerified(trx, id, clock.now()))) return;
        await audit.record(trx, {
          actor: { kind: "account", id },
          action: "account.email_verified",
          target: { kind: "account", id },
        });
      });
    },
  };
}
