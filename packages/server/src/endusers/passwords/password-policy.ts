import { AerostackError, type PasswordPolicy } from "@aerostack/contracts";

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

/** @param field as the request calls it. @throws AUTH_PASSWORD_WEAK naming everything that is missing */
export function requirePolicy(password: string, policy: PasswordPolicy, field: string): void {
  const missing = RULES.filter(({ isBroken }) => isBroken(password, policy)).map(({ needs }) => needs(policy));
  if (missing.length === 0) return;
  const text = missing.join(", ");
  throw new AerostackError("AUTH_PASSWORD_WEAK", {
    message: `The password needs ${text}.`,
    fix: "Choose a password that has all of it.",
    details: { fieldErrors: { [field]: [`needs ${text}`] } },
  });
}
