import { AerostackError } from "@aerostack/contracts";
import type { AccountService } from "./service.ts";

/** @throws FORBIDDEN while an account has not confirmed its address, and the installation asks for that */
export type RequireConfirmedEmail = (accountId: string) => Promise<void>;

export function createConfirmedEmailRule(options: {
  readonly isRequired: boolean;
  readonly accounts: Pick<AccountService, "require">;
}): RequireConfirmedEmail {
  return async (accountId) => {
    if (!options.isRequired) return;
    const { email_verified_at } = await options.accounts.require(accountId);
    if (email_verified_at !== null) return;
    throw new AerostackError("FORBIDDEN", {
      message: "The account's e-mail address is not confirmed yet.",
      fix: "Open the link in the mail; POST /api/auth/verify-email/resend sends another.",
    });
  };
}
