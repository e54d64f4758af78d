import { AerostackError, type PasswordPolicy } from "@aerostack/contracts";
import { guessableBy } from "../../identity/guessable-password.ts";
import type { SettingsReader } from "../settings/settings.ts";

interface Rule {
  readonly isBroken: (password: string, policy: PasswordPolicy) => boolean;
  readonly needs: (policy: PasswordPolicy) => string;
}

const RULES: readonly Rule[] = [
  {
    isBroken: (password, { minLength }) => [...password].length < minLength,
    needs: ({ minLength }) => `at least ${minLength} characters`,
  },
  {
    isBroken: (password, { requireUppercase }) => requireUppercase && !/\p{Lu}/u.test(password),
    needs: () => "an upper-case letter",
  },
  {
    isBroken: (password, { requireLowercase }) => requireLowercase && !/\p{Ll}/u.test(password),
    needs: () => "a lower-case letter",
  },
  {
    isBroken: (password, { requireDigit }) => requireDigit && !/\p{Nd}/u.test(password),
    needs: () => "a digit",
  },
  {
    isBroken: (password, { requireSymbol }) => requireSymbol && !/[^\p{L}\p{N}\s]/u.test(password),
    needs: () => "a symbol",
  },
];

export interface PasswordRule {
  /**
   * @param owner whose password it is to be, as far as that is known
   * @param field as the request calls it
   * @throws AUTH_PASSWORD_WEAK naming everything that is missing, or why it would be guessed
   */
  require(
    projectId: string,
    password: string,
    owner: { readonly email?: string | null | undefined; readonly name?: string | null | undefined },
    field: string,
  ): Promise<void>;
}

export interface PasswordRuleOptions {
  readonly settings: SettingsReader;
  /** What people know the project by. */
  readonly nameOf: (projectId: string) => Promise<string | undefined>;
}

export function createPasswordRule({ settings, nameOf }: PasswordRuleOptions): PasswordRule {
  return {
    async require(projectId, password, { email, name }, field) {
      const { password: policy, appName } = await settings.of(projectId);
      const missing = RULES.filter(({ isBroken }) => isBroken(password, policy)).map(({ needs }) => needs(policy));
      if (missing.length > 0) throw weakPassword(field, `needs ${missing.join(", ")}`);
      if (!policy.refuseCommon) return;
      const reason = await guessableBy(password, [appName, await nameOf(projectId), email, name]);
      if (reason !== null) throw weakPassword(field, reason);
    },
  };
}

function weakPassword(field: string, reason: string): AerostackError {
  return new AerostackError("AUTH_PASSWORD_WEAK", {
    message: `The password ${reason}.`,
    fix: "Choose another password.",
    details: { fieldErrors: { [field]: [reason] } },
  });
}
