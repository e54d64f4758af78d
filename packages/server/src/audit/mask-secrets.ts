import type { SealedColumn } from "../kernel/crypto/sealed-columns.ts";
import { maskCredentials } from "../kernel/log.ts";

/** What stands in the log where a secret stood. */
export const MASK = "[secret]";

/** Words of a field's name that tell that its value is a secret. */
const SECRET_WORDS = new Set([
  "apikey",
  "assertion",
  "authorization",
  "code",
  "codes",
  "cookie",
  "credential",
  "credentials",
  "dsn",
  "hash",
  "hashes",
  "jwk",
  "jwt",
  "otp",
  "passcode",
  "passphrase",
  "password",
  "passwd",
  "pin",
  "private",
  "pwd",
  "recovery",
  "seal",
  "sealed",
  "secret",
  "secrets",
  "seed",
  "signature",
  "token",
  "tokens",
  "totp",
  "verifier",
]);
/** Last words of names that hold a fact about a secret, not the secret: `tokenLifetimeSeconds`, `secretName`. */
const FACT_WORDS = new Set([
  "at",
  "by",
  "count",
  "days",
  "enabled",
  "expires",
  "hours",
  "id",
  "ids",
  "kind",
  "length",
  "lifetime",
  "limit",
  "max",
  "method",
  "methods",
  "min",
  "minutes",
  "ms",
  "name",
  "names",
  "prefix",
  "required",
  "seconds",
  "status",
  "type",
]);
/** Last words that tell a secret unless a word before says that it is none. */
const SECRET_LAST_WORDS = new Set(["key", "keys", "value", "values"]);
const OPEN_KEYS = new Set(["cache", "foreign", "idempotency", "object", "primary", "public", "storage"]);
const CONNECTION_STRING = "connectionstring";

/** Forms of secrets that stand in texts of any name: our own keys are masked by `maskCredentials`. */
const SECRET_TEXTS: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  // Sealed by our envelope: useless without the master key, and still nobody's business.
  [/\bv1\.[a-z0-9_]{1,40}\.[\w-]{20,}\.[\w-]+/g, MASK],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, MASK],
  // User and password of a URL.
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#"@]+@/gi, `$1${MASK}@`],
  [/\b(?:bearer|basic)\s+[\w~+/.=-]{8,}/gi, MASK],
  // Password hashes in the modular format (`$argon2id$…`) and in ours.
  [/\$(?:argon2(?:id|i|d)|2[abxy]|scrypt|pbkdf2[\w-]*|5|6|y)\$[^\s"]+/g, MASK],
  [/\bpbkdf2-sha256\$[^\s"]+/g, MASK],
  // Tokens of services that are often configured: GitHub, GitLab, Stripe, Slack, AWS, Google, Resend, SendGrid, OpenAI.
  [
    /\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|[rs]k_(?:live|test)_\w{10,}|whsec_[\w+/=-]{10,}|xox[a-z]-[\w-]{10,}|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{30,}|GOCSPX-[\w-]{10,}|re_\w{16,}|SG\.[\w-]{16,}\.[\w-]{16,}|sk-[\w-]{20,})/g,
    MASK,
  ],
];

const MAX_DEPTH = 8;

/** Masks the secrets of a value, by the names of its fields and by the form of its texts. */
export type SecretMask = (value: unknown) => unknown;

/** @param sealedColumns what is encrypted in the database never stands in the log, under the column's name or a field's */
export function createSecretMask(sealedColumns: readonly SealedColumn[] = []): SecretMask {
  const sealedNames = new Set(sealedColumns.map(({ column }) => plain(column)));

  function isSecretName(name: string): boolean {
    const words = wordsOf(name);
    const joined = words.join("");
    const last = words.at(-1) ?? "";
    if (FACT_WORDS.has(last) && words.length > 1) return false;
    if (sealedNames.has(joined) || joined.endsWith(CONNECTION_STRING)) return true;
    if (words.some((word) => SECRET_WORDS.has(word))) return true;
    return SECRET_LAST_WORDS.has(last) && !words.some((word) => OPEN_KEYS.has(word));
  }

  function mask(value: unknown, depth: number): unknown {
    if (typeof value === "string") return maskText(value);
    if (typeof value !== "object" || value === null) return value;
    if (depth > MAX_DEPTH) return "[too deep]";
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return "[bytes]";
    if (Array.isArray(value)) return value.map((item) => mask(item, depth + 1));
    if (value instanceof Date) return value.toISOString();
    const result: Record<string, unknown> = Object.create(null);
    for (const [name, item] of Object.entries(value)) {
      // True and false tell whether a secret is set; null and empty that it is not.
      const tellsNothing = item === null || item === undefined || typeof item === "boolean" || item === "";
      result[maskText(name)] = !tellsNothing && isSecretName(name) ? MASK : mask(item, depth + 1);
    }
    return result;
  }

  return (value) => mask(value, 0);
}

/** Text with everything in it masked that has the form of a credential. */
export function maskText(text: string): string {
  return SECRET_TEXTS.reduce(
    (masked, [pattern, replacement]) => masked.replace(pattern, replacement),
    maskCredentials(text),
  );
}

/** `clientSecretKey`, `client_secret_key`, `client-secret-key` → its words in lower case. */
function wordsOf(name: string): readonly string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "");
}

function plain(name: string): string {
  return wordsOf(name).join("");
}
